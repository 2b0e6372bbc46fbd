using System.Text.Json;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Parity;

/// <summary>Compares boxes and label weights with those of public implementations, recorded together with their random draws.</summary>
public sealed class CutMixBoxesTests
{
    private delegate (Box Box, double Lambda) Preset(JsonElement recorded, int height, int width, double lambda);

    private static (Box, double) Around(Rounding rounding, JsonElement recorded, int height, int width, double lambda)
    {
        var box = BoxPlacement.Around(rounding, height, width, lambda, recorded.GetProperty("row").GetInt32(), recorded.GetProperty("col")
            .GetInt32());
        return (box, new BoxRegion(box).KeptShare(height, width));
    }

    private static readonly Dictionary<string, Preset> Presets = new()
    {
        ["clovaai"] = (recorded, height, width, lambda) => Around(CutMix.Presets.Official.Rounding, recorded, height, width, lambda),
        ["timm"] = (recorded, height, width, lambda) =>
            Around(CutMix.Presets.Timm.Rounding, recorded, height, width, lambda) is var (box, measured)
            && recorded.GetProperty("correct_lam").GetBoolean() ? (box, measured) : (box, lambda),
        ["timm_minmax"] = (recorded, height, width, _) =>
        {
            int[] drawn = [.. recorded.GetProperty("draws_cut_h_cut_w_top_left").EnumerateArray().Select(value => value.GetInt32())];
            var box = new Box(drawn[2], drawn[3], drawn[2] + drawn[0], drawn[3] + drawn[1]);
            return (box, new BoxRegion(box).KeptShare(height, width));
        },
        ["torchvision_v2"] = (recorded, height, width, lambda) =>
            Around(CutMix.Presets.TorchVision.Rounding, recorded, height, width, lambda),
        ["fastai"] = (recorded, height, width, lambda) => Around(CutMix.Presets.FastAi.Rounding, recorded, height, width, lambda),
        ["composer"] = (recorded, height, width, lambda) => Around(CutMix.Presets.Composer.Rounding, recorded, height, width, lambda),
        ["composer_uniform"] = (recorded, height, width, lambda) =>
            Around(CutMix.Presets.ComposerUniform.Rounding, recorded, height, width, lambda),
        // Keras computes the label weight from the real-valued corners, which gives λ as drawn.
        ["keras"] = (recorded, height, width, lambda) =>
            (BoxPlacement.Corners(height, width, lambda, recorded.GetProperty("u_y").GetSingle(), recorded.GetProperty("u_x").GetSingle()),
                lambda),
    };

    [Theory]
    [InlineData("clovaai", 294, 1e-8)]
    [InlineData("timm", 448, 1e-8)]
    [InlineData("timm_minmax", 72, 1e-8)]
    [InlineData("torchvision_v2", 294, 1e-8)]
    [InlineData("fastai", 294, 3e-7)]
    [InlineData("composer", 294, 1e-8)]
    [InlineData("composer_uniform", 294, 1e-8)]
    [InlineData("keras", 252, 3e-7)]
    public void Boxes_and_label_weights_equal_every_recorded_case(string system, int count, double tolerance)
    {
        using var file = Vectors.Open("cutmix_boxes.json");
        JsonElement[] cases = [.. file.RootElement.GetProperty("cases").EnumerateArray()
            .Where(x => x.GetProperty("system").GetString() == system)];
        Assert.Equal(count, cases.Length);
        foreach (var one in cases)
        {
            int Whole(string name) => one.GetProperty(name).GetInt32();
            var lambda = one.TryGetProperty("lambda", out var drawn) ? drawn.GetDouble() : double.NaN;
            var (box, weight) = Presets[system](one, Whole("H"), Whole("W"), lambda);
            var expected = new Box(Whole("top"), Whole("left"), Whole("bottom"), Whole("right"));
            Assert.True(expected == box || expected.IsEmpty && box.IsEmpty, $"{one}: {box}");
            Assert.Equal(one.GetProperty("lambda_adjusted").GetDouble(), weight, tolerance);
        }
    }

    private static readonly Dictionary<string, Func<JsonElement, CutMix>> Plans = new()
    {
        ["clovaai"] = _ => CutMix.Presets.Official,
        ["timm"] = one => CutMix.Presets.Timm with
        {
            Margin = one.GetProperty("margin").GetDouble(),
            LabelWeight = one.GetProperty("correct_lam").GetBoolean() ? LabelWeight.Measured : LabelWeight.Drawn,
        },
        ["timm_minmax"] = one => CutMix.Presets.TimmMinMax with
        {
            SideRange =
            (one.GetProperty("minmax")[0].GetDouble(), one.GetProperty("minmax")[1].GetDouble())
        },
        ["torchvision_v2"] = _ => CutMix.Presets.TorchVision,
        ["fastai"] = _ => CutMix.Presets.FastAi,
        ["composer"] = _ => CutMix.Presets.Composer,
        ["composer_uniform"] = _ => CutMix.Presets.ComposerUniform,
        ["keras"] = _ => CutMix.Presets.Keras,
    };

    // The references use other random generators. On images of up to 7×5 pixels, a few hundred draws reach every box that they drew.
    [Theory]
    [InlineData("clovaai", 105, 1e-8), InlineData("timm", 160, 1e-8), InlineData("timm_minmax", 18, 1e-8),
        InlineData("torchvision_v2", 105, 1e-8)]
    [InlineData("fastai", 105, 3e-7), InlineData("composer", 105, 1e-8), InlineData("composer_uniform", 105, 1e-8),
        InlineData("keras", 90, 3e-7)]
    public void Plans_of_a_preset_reach_every_recorded_box_of_small_images_with_its_label_weight(string system, int count,
        double tolerance)
    {
        using var file = Vectors.Open("cutmix_boxes.json");
        JsonElement[] cases = [.. file.RootElement.GetProperty("cases").EnumerateArray()
            .Where(x =>
                x.GetProperty("system").GetString() == system && x.GetProperty("H").GetInt32() * x.GetProperty("W").GetInt32() <= 35)];
        Assert.Equal(count, cases.Length);
        foreach (var one in cases)
        {
            int Whole(string name) => one.GetProperty(name).GetInt32();
            var expected = new Box(Whole("top"), Whole("left"), Whole("bottom"), Whole("right"));
            var preset = Plans[system](one) with { Probability = 1 };
            if (one.TryGetProperty("lambda", out var drawn))
                preset = preset with { FixedLambda = drawn.GetDouble() };
            var seeds = new Patchwork.Randomness.SeedStream(6);
            var found = Enumerable.Range(0, 20_000)
                .Select(i => preset.Plan(new MixContext(2, Whole("H"), Whole("W"), seeds.Open("mix", 0, i))).Images[0])
                .FirstOrDefault(image => image.Partner == 1 && image.Region is BoxRegion { Box: var box }
                    && (box == expected || box.IsEmpty && expected.IsEmpty));
            Assert.True(found is not null, $"{one}");
            Assert.Equal(one.GetProperty("lambda_adjusted").GetDouble(), found.Lambda, tolerance);
        }
    }

    // Compares the half-open ranges from which a reference draws with the boxes that our draws give.
    [Theory, InlineData("timm"), InlineData("composer_uniform"), InlineData("timm_minmax")]
    public void Drawn_boxes_cover_the_same_range_as_the_reference(string system)
    {
        using var file = Vectors.Open("cutmix_boxes.json");
        foreach (var one in file.RootElement.GetProperty("cases").EnumerateArray().Where(x => x.GetProperty("system").GetString() == system)
            .Take(60))
        {
            if (!one.TryGetProperty("draw_ranges", out var ranges))
                continue;
            var (height, width) = (one.GetProperty("H").GetInt32(), one.GetProperty("W").GetInt32());
            var options = system switch
            {
                "timm" => CutMix.Presets.Timm with
                {
                    FixedLambda = one.GetProperty("lambda").GetDouble(),
                    Margin = one.GetProperty("margin")
                    .GetDouble()
                },
                "composer_uniform" => CutMix.Presets.ComposerUniform with { FixedLambda = one.GetProperty("lambda").GetDouble() },
                _ => CutMix.Presets.TimmMinMax with
                {
                    SideRange =
                    (one.GetProperty("minmax")[0].GetDouble(), one.GetProperty("minmax")[1].GetDouble())
                },
            };
            var draws = new Patchwork.Randomness.SeedStream(5).Open("box");
            var boxes = Enumerable.Range(0, 400).Select(_ => BoxSampler.Draw(options, 1, height, width, draws).Box).ToArray();
            if (system == "timm_minmax")
            {
                Assert.All(boxes, box =>
                    Assert.InRange(box.Height, ranges[0][0].GetInt32(), Math.Max(ranges[0][1].GetInt32() - 1, ranges[0][0].GetInt32())));
                continue;
            }
            // The boxes around the lowest and the highest centre bound all others.
            var (first, last) = (ranges[0][0].GetInt32(), ranges[0][1].GetInt32() - 1);
            var (lowest, highest) = (BoxPlacement.Around(options.Rounding, height, width, options.FixedLambda!.Value, first, 0),
                BoxPlacement.Around(options.Rounding, height, width, options.FixedLambda.Value, last, 0));
            Assert.All(boxes, box => Assert.True(box.Top >= lowest.Top && box.Bottom <= highest.Bottom, $"{one}: {box}"));
            if (last - first < 60)
                Assert.Contains(boxes, box => box.Bottom == highest.Bottom);
        }
    }
}
