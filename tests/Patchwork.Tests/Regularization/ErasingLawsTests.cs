using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

/// <summary>Laws that hold for every eraser in the catalogue.</summary>
[Collection(SerialCollection.Name)]
public sealed class ErasingLawsTests
{
    // H ≠ W, odd sizes, a batch of one, a row of pixels.
    private static readonly (int N, int Height, int Width)[] Sizes = [(5, 9, 16), (1, 7, 5), (8, 32, 31), (2, 1, 13)];

    private static readonly Dictionary<string, Eraser> Table = Methods.All.Select(method => method.Create()).OfType<Eraser>()
        .SelectMany(eraser => Own(eraser with { Probability = 1 })).ToDictionary(eraser => eraser.ToString());

    public static TheoryData<string> Variants => [.. Table.Keys];

    private static IEnumerable<Eraser> Own(Eraser eraser) => eraser switch
    {
        Cutout cutout => [cutout, cutout with { Length = 5, Holes = 3 }, cutout with { EvenCoverage = true }],
        RandomErasing erasing => [erasing, erasing with { RatioLaw = RatioLaw.LogUniform }, erasing with { Fill = Fill.Noise }],
        _ => [eraser],
    };

    private static MixPlan Plan(Eraser eraser, int n, int height, int width, int draw) =>
        eraser.Plan(new MixContext(n, height, width, new SeedStream(3).Open("erase", 0, draw)));

    [Theory, MemberData(nameof(Variants))]
    public void Kept_pixels_are_unchanged_and_erased_pixels_have_the_fill(string variant)
    {
        var changed = 0;
        foreach (var (n, height, width) in Sizes)
        {
            for (var draw = 0; draw < 20; draw++)
            {
                using var scope = NewDisposeScope();
                // no pixel equals the fill
                var images = arange(1, n * 3 * height * width + 1, dtype: ScalarType.Float32).reshape(n, 3, height, width);
                var before = images.clone();
                var plan = Plan(Table[variant], n, height, width, draw);
                var erased = Eraser.Apply(images, plan);
                var kept = plan.Masks().expand(-1, 3, -1, -1).eq(1);
                Assert.Equal((images.dtype, string.Join(",", images.shape)), (erased.dtype, string.Join(",", erased.shape)));
                Assert.False(images.ne(before).any().ToBoolean(), "the input was changed");
                Assert.False(erased.ne(images).logical_and(kept).any().ToBoolean(), "a pixel that should stay was changed");
                var filled = erased.masked_select(kept.logical_not());
                var noise = plan.Images.Any(image => image.Region is FillRegion { Fill: Fill.Noise });
                Assert.False((noise ? filled.abs().gt(8) : filled.ne(0)).any().ToBoolean(), "a pixel that should be filled was not");
                changed += filled.numel() > 0 ? 1 : 0;
            }
        }
        Assert.InRange(changed, 40, 80);
    }

    [Theory, MemberData(nameof(Variants))]
    public void Holes_are_clipped_to_the_image_and_labels_are_unchanged(string variant)
    {
        foreach (var (n, height, width) in Sizes)
        {
            foreach (var (i, image) in Enumerable.Range(0, 50)
                .SelectMany(draw => Plan(Table[variant], n, height, width, draw).Images.Index()))
            {
                Assert.Equal((i, 1.0, 1.0, 0.0), (image.Partner, image.Lambda, image.DrawnLambda, image.PartnerWeight));
                Assert.All((image.Region as FillRegion)?.Holes ?? [], hole => Assert.True(hole.FitsIn(height, width), $"{hole}"));
            }
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void Probability_0_erases_nothing_and_otherwise_it_is_the_share_of_erased_images(string variant)
    {
        using var scope = NewDisposeScope();
        var images = randn(6, 3, 12, 9);
        var never = Plan(Table[variant] with { Probability = 0 }, 6, 12, 9, 1);
        Assert.False(never.ChangesPixels);
        Assert.False(Eraser.Apply(images, never).ne(images).any().ToBoolean());
        // Every image is drawn by itself; a drawn image also counts if its region is empty for lack of room.
        var drawn = Plan(Table[variant] with { Probability = 0.3 }, 20_000, 32, 32, 2).Images.Count(image => image.Region is FillRegion);
        Assert.Equal(0.3, drawn / 20_000.0, 0.015);
    }

    [Theory, MemberData(nameof(Variants))]
    public void The_same_stream_gives_the_same_plan_and_JSON_preserves_it(string variant)
    {
        using var scope = NewDisposeScope();
        var (plan, images) = (Plan(Table[variant], 4, 10, 13, 5), ones(4, 3, 10, 13));
        Assert.Equal(plan.ToJson(), Plan(Table[variant], 4, 10, 13, 5).ToJson());
        Assert.NotEqual(plan.Images.Select(image => $"{image.Region.Reach(10, 13)}"),
            Plan(Table[variant], 4, 10, 13, 6).Images.Select(image => $"{image.Region.Reach(10, 13)}"));
        Assert.False(Eraser.Apply(images, plan).ne(Eraser.Apply(images, MixPlan.FromJson(plan.ToJson()))).any().ToBoolean());
    }

    [Theory, MemberData(nameof(Variants))]
    public void No_tensors_leak(string variant)
    {
        using var images = rand(4, 3, 16, 12);
        var before = LiveTensors.Settled();
        for (var draw = 0; draw < 20; draw++)
            Eraser.Apply(images, Plan(Table[variant], 4, 16, 12, draw)).Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }
}
