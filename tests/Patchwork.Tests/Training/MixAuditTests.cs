using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>The audit reports what it has checked, for every mixer, and finds errors in every kind of region.</summary>
[Collection(SerialCollection.Name)]
public sealed class MixAuditTests
{
    public static TheoryData<string> Mixers => [.. Methods.All.Where(method => method.Create() is Mixer).Select(method => method.Id)];

    // One mixer for each kind of region.
    private static readonly Dictionary<string, Mixer> Kinds = new()
    {
        ["box"] = new CutMix { FixedLambda = 0.5, Placement = Placement.Inside },
        ["blend"] = new Mixup(),
        ["mask"] = new GridMix { Cells = 2 },
        ["soft mask"] = new FMix { MaxSoft = 0.3 },
        ["resized"] = new ResizeMix { SideRange = (0.5, 0.8) },
        ["transport"] = new PuzzleMix(),
    };

    public static TheoryData<string> Regions => [.. Kinds.Keys];

    public static TheoryData<string> LabelledByArea => [.. Kinds.Where(kind => kind.Value.LabelsByArea).Select(kind => kind.Key)];

    private static string[] Fit(Mixer mixer, Func<Batch, Batch>? tamper = null)
    {
        var reports = new List<string>();
        using var fit = new TrainerTests.Fit(model: TrainerTests.Fit.ModelFor(mixer));
        fit.Run([new MixingCallback(mixer.ForEveryImage()), new Tampering(tamper), new MixAudit { LabelsByArea = mixer.LabelsByArea }],
            epochs: 1, report: reports.Add);
        return [.. reports.Where(line => line.StartsWith("mix audit:", StringComparison.Ordinal))];
    }

    private static string Fault(Mixer mixer, Func<Batch, Batch> tamper) =>
        Assert.Throws<InvalidOperationException>(() => Fit(mixer, tamper)).Message;

    [Theory, MemberData(nameof(Mixers))]
    public void A_correct_batch_passes_and_every_image_is_counted(string id) =>
        Assert.Contains("20 images of 2 batches", Assert.Single(Fit((Mixer)Methods.Find(id).Create())), StringComparison.Ordinal);

    [Theory, MemberData(nameof(Regions))]
    public void One_wrong_pixel_is_found(string region) =>
        Assert.Contains("image 7 must match its plan. Received: 1 wrong pixels", Fault(Kinds[region], batch =>
    {
        var images = batch.Images.clone();
        images[7, 1, 3, 5] += 0.01;
        return batch with { Images = images };
    }), StringComparison.Ordinal);

    [Theory, MemberData(nameof(Regions))]
    public void Pixels_that_were_not_mixed_are_found(string region)
    {
        Tensor? before = null;
        using var scope = NewDisposeScope();
        using var fit = new TrainerTests.Fit();
        var mixer = Kinds[region].ForEveryImage();
        Callback[] callbacks = [new Tampering(batch =>
        {
            before = batch.Images.clone();
            return mixer.Mix(batch, new SeedStream(1).Open("mix"), fit.Model) with { Images = before };
        }), new MixAudit { LabelsByArea = mixer.LabelsByArea }];
        Assert.Contains("must match its plan", Assert.Throws<InvalidOperationException>(() => fit.Run(callbacks, epochs: 1)).Message,
            StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(LabelledByArea))]
    public void A_lambda_that_differs_from_the_kept_share_is_found(string region) =>
        Assert.Contains("must be the share of it that was kept", Fault(Kinds[region], batch =>
    {
        var plan = batch.Plan!;
        var off = new MixPlan(plan.Method, plan.Height, plan.Width,
            [.. plan.Images.Select(image => image with { Lambda = 0.99 * image.Lambda + 0.001 })], plan.Stream);
        return batch with { Plan = off, Targets = PairTargets.Of(batch.Labels, off) };
    }), StringComparison.Ordinal);

    [Theory, MemberData(nameof(Regions))]
    public void Targets_with_wrong_weights_are_found(string region) =>
        Assert.Contains("weight the labels as the plan says", Fault(Kinds[region], batch =>
        batch with
        {
            Targets = new PairTargets(batch.Targets!.A, batch.Targets.B,
            [.. batch.Targets.Lambdas.Select(lambda => 1 - lambda * lambda)])
        }), StringComparison.Ordinal);

    [Fact]
    public void Blocks_in_wrong_positions_are_found() => Assert.Contains("must match its plan", Fault(Kinds["transport"], batch =>
    {
        var plan = batch.Plan!;
        ImagePlan Turned(ImagePlan image) => image.Region is TransportRegion blocks
            ? image with { Region = blocks with { Own = [.. blocks.Own.Reverse()], Partner = [.. blocks.Partner.Reverse()] } } : image;
        return batch with { Plan = new MixPlan(plan.Method, plan.Height, plan.Width, [.. plan.Images.Select(Turned)], plan.Stream) };
    }), StringComparison.Ordinal);

    // Changes a batch between the mixing and the audit.
    private sealed class Tampering(Func<Batch, Batch>? change) : Callback
    {
        public override Batch OnTrainBatchStart(TrainingState state, Batch batch) => change?.Invoke(batch) ?? batch;
    }
}
