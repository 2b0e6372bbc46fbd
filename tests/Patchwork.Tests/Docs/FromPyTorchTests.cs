using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Docs;

/// <summary>
/// Runs the right column of "Coming from PyTorch": each call is an argument of <see cref="Shown{T}"/>, whose text is compared with the
/// page, and its result is checked against the left column.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class FromPyTorchTests : IDisposable
{
    private const int Classes = 3;
    private static readonly string Page = File.ReadAllText(Repository.File("docs/guide/from-pytorch.md"));
    private readonly PictureSet files = new();
    private readonly HashSet<string> shown = [];

    public void Dispose() => files.Dispose();

    private T Shown<T>(T value, [CallerArgumentExpression(nameof(value))] string code = "")
    {
        shown.Add(code);
        return value;
    }

    [Fact]
    public void Every_call_in_the_table_runs_and_does_what_its_row_says()
    {
        Mixers();
        LossesOfMixedTargets();
        LossesOfLabels();
        MixedPrecision();
        Fits();
        shown.Add("public override Batch OnTrainBatchStart(TrainingState state, Batch batch)");      // in FirstHalf, which Fits has run
        var calls = Cells().Where(cell => !cell.StartsWith("--", StringComparison.Ordinal)
            && !cell.StartsWith("patchwork", StringComparison.Ordinal));
        Assert.Equal(calls.Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    private void Mixers()
    {
        using var images = randn(8, 3, 16, 16);
        using var labels = arange(8) % Classes;
        MixPlan Plan(CutMix mixer) => mixer.Plan(MixContext.Of(images, new SeedStream(3).Open("mix", 0, 0)));
        double[] Lambdas(CutMix mixer) => [.. Plan(mixer).Images.Select(image => image.Lambda).Distinct()];

        Assert.Equal([7, 6, 5, 4, 3, 2, 1, 0], Plan(Shown(CutMix.Presets.Timm)).Partners());
        Assert.Single(Lambdas(CutMix.Presets.Timm));
        Assert.InRange(Lambdas(Shown(CutMix.Presets.Timm with { Scope = Scope.Pair })).Length, 2, 4);
        Assert.InRange(Lambdas(Shown(CutMix.Presets.Timm with { Scope = Scope.Example })).Length, 5, 8);
        var sides = ((BoxRegion)Plan(Shown(CutMix.Presets.TimmMinMax)).Images[0].Region).Box;
        Assert.InRange(sides.Height, 3, 13);      // 0.2 to 0.8 of 16
        var drawn = Plan(Shown(CutMix.Presets.Timm with { LabelWeight = LabelWeight.Drawn })).Images[0];
        Assert.Equal(drawn.DrawnLambda, drawn.Lambda);
        Assert.Equal([7, 0, 1, 2, 3, 4, 5, 6], Plan(Shown(CutMix.Presets.TorchVision)).Partners());
        foreach (var mixer in (CutMix[])[Shown(CutMix.Presets.ComposerUniform), Shown(CutMix.Presets.Keras)])
        {
            using var mixed = mixer.Apply(images, Plan(mixer));
            Assert.Equal(images.shape, mixed.shape);
        }
    }

    private void LossesOfMixedTargets()
    {
        const int classes = Classes;
        using var scope = NewDisposeScope();
        var logits = randn(4, classes);
        var targets = new PairTargets(tensor(new long[] { 0, 1, 2, 0 }), tensor(new long[] { 2, 1, 0, 1 }), [0.9, 0.3, 0.85, 0.5]);
        var soft = targets.Soft(classes);
        Close(-(soft * logits.log_softmax(1)).sum(1).mean(), Shown(targets.Loss(logits, new CrossEntropy())));
        Close(nn.functional.binary_cross_entropy_with_logits(logits, soft.gt(0.2).to(float32)),
            Shown(new BinaryCrossEntropy { Threshold = 0.2 }.Evaluate(logits, targets.Soft(classes))));
    }

    private void LossesOfLabels()
    {
        using var scope = NewDisposeScope();
        double[] weights = [1, 2, 4];
        var (logits, labels) = (randn(4, Classes), tensor(new long[] { 0, 1, 2, 0 }));
        Close(nn.functional.cross_entropy(logits, labels, weight: tensor(weights).to(float32)),
            Shown(new CrossEntropy { ClassWeights = weights }.Evaluate(logits, labels)));
        var holes = tensor(new long[] { 0, 255, 2, 255 });
        Close(nn.functional.cross_entropy(logits, holes, ignore_index: 255), Shown(new CrossEntropy { IgnoreIndex = 255 })
            .Evaluate(logits, holes));
    }

    private void MixedPrecision()
    {
        Assert.Equal(Precision.BFloat16, Shown(new TrainerOptions { Precision = Precision.BFloat16 }).Precision);
        using var scope = NewDisposeScope();
        using (Autocast.To(Precision.BFloat16))
            Assert.Equal(ScalarType.BFloat16, ones(2, 2).mm(ones(2, 2)).dtype);
        shown.Add("Autocast.To(Precision.BFloat16)");
    }

    private void Fits()
    {
        var folder = files.At("log");
        using var fit = new TrainerTests.Fit();
        var first = new FirstHalf();
        var seeds = Shown(new SeedStream(1));
        Callback[] callbacks = [first, Shown(new MixingCallback(CutMix.Presets.FastAi)), Shown(new WeightAverage { Decay = 0.9998 }),
            Shown(new EarlyStopping(3)),
            Shown(new TensorBoardLog(folder))];
        foreach (var options in (TrainerOptions[])[Shown(new TrainerOptions { Accumulate = 4 }), Shown(new TrainerOptions { ClipNorm = 1 }),
            new() { Optimizer = Shown(new Sgd { DecayVectors = false }) }])
        {
            var result = new Trainer(options with { Epochs = 1, Seeds = seeds }, callbacks)
                .Fit(fit.Model, new TrainingData(fit.Train, fit.Validation), cancellation: TestContext.Current.CancellationToken);
            Assert.Equal(2, result.Steps);
        }
        Assert.Equal(6, first.Batches);
        Assert.Equal(3, Directory.GetFiles(folder).Length);
    }

    [Fact]
    public void The_fit_on_the_page_runs()
    {
        using var fit = new TrainerTests.Fit();
        var result = PutTogether(fit, files.At("log"));
        Assert.Equal((2, 10L), (result.Epochs, result.Test!.Images));
        var source = File.ReadAllText(Repository.File("tests/Patchwork.Tests/Docs/FromPyTorchTests.cs"));
        Assert.Equal(Fence().Match(Page).Groups["code"].Value.Split('\n'), Region().Match(source).Groups["code"].Value.Split('\n')
            .Select(line => line.Trim()));
    }

    private static FitResult PutTogether(TrainerTests.Fit fit, string folder)
    {
        var (model, train, validation, test) = (fit.Model, fit.Train, fit.Validation, fit.Test);
        // <fit>
        Callback[] callbacks = [new MixingCallback(CutMix.Presets.Timm), new WeightAverage(), new EarlyStopping(3), new TensorBoardLog(folder)];
        var options = new TrainerOptions { Epochs = 2, Optimizer = new AdamW(), ClipNorm = 1, Seeds = new SeedStream(1) };
        var result = new Trainer(options, callbacks).Fit(model, new TrainingData(train, validation), test);
        // </fit>
        return result;
    }

    [Fact]
    public void The_flags_of_the_table_train_and_resume()
    {
        files.Paint(perClass: 10);
        var flags = Cells().Where(cell => cell.StartsWith("--", StringComparison.Ordinal)).SelectMany(cell => cell.Split(' ')).ToArray();
        var trained = CommandLine.Run(["train", "--method", "cutmix", .. flags, .. files.Flags("run")]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        var stored = Recipe.FromJson(File.ReadAllText(files.At("run/recipe.json")));
        Assert.Equal(("timm", 4, 1.0, 3, 0.9998, 1UL, true),
            (stored.Preset, stored.Accumulate, stored.Clip, stored.EarlyStop, stored.Ema, stored.Seed, stored.NoVectorDecay));
        var resume = Assert.Single(Cells(), cell => cell.StartsWith("patchwork ", StringComparison.Ordinal))
            .Replace("RUN", files.At("run"), StringComparison.Ordinal);
        File.Delete(files.At("run/result.json"));
        var resumed = CommandLine.Run(resume.Split(' ')[1..]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.True(File.Exists(files.At("run/result.json")));
    }

    private static void Close(Tensor expected, Tensor actual) => Assert.Equal(expected.ToDouble(), actual.ToDouble(), 1e-6);

    // Every code span in the right column.
    private static IEnumerable<string> Cells() =>
        Row().Matches(Page).SelectMany(row => Code().Matches(row.Groups["here"].Value)).Select(code => code.Groups[1].Value);

    private sealed class FirstHalf : Callback
    {
        public int Batches { get; private set; }

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            Batches++;
            return new Batch(batch.Images.narrow(0, 0, batch.Count / 2), batch.Labels.narrow(0, 0, batch.Count / 2));
        }
    }

    [GeneratedRegex(@"^\| (?!there|-).*? \| (?<here>.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"// <fit>\n(?<code>.*?)\n\s*// </fit>", RegexOptions.Singleline)]
    private static partial Regex Region();
}
