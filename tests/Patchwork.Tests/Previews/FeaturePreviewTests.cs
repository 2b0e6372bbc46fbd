using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Reporting;
using Patchwork.Tests.Support;
using SkiaSharp;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Previews;

/// <summary>The preview of a method that acts on features, branches or labels shows what the method does.</summary>
[Collection(SerialCollection.Name)]
public sealed class FeaturePreviewTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private readonly Dataset dataset = Shapes.Open().Train;
    private readonly ImageClassifier model;
    private readonly FeaturePreview preview;

    public FeaturePreviewTests()
    {
        new SeedStream(1).SeedTorch("model");
        model = ModelZoo.Create("resnet8", dataset.ClassNames.Count);
        preview = new FeaturePreview(dataset, new SeedStream(1), model, 8);
    }

    public void Dispose()
    {
        model.Dispose();
        scope.Dispose();
    }

    private Picture[] Row(string id, int i = 0) => [.. preview.Row(Methods.Find(id).Create(), i, "").Cells.Select(cell => cell.Picture)];

    private static byte At(Picture picture, int y, int x) => picture.Rgb[(y * picture.Width + x) * 3];

    [Fact]
    public void A_strip_shows_methods_that_differ_only_in_how_often_they_act_once()
    {
        string[] names = ["cutout", "cutout:probability=0.5", "cutmix", "cutmix:probability=0.5", "cutmix:alpha=4",
            "mixup:probability=0.25"];
        string[] Shown(int count) => [.. MixingPreview.Strip([.. names.Select(MethodStack.Parse)], dataset, new SeedStream(1), count)
            .Select(picture => picture.Name)];
        Assert.Equal(["Original", "Cutout", "CutMix", "CutMix (alpha 4)", "Mixup (probability 0.25)"], Shown(6));
        Assert.Equal(["Original", "Cutout", "CutMix", "CutMix (alpha 4)"], Shown(3));      // twins do not take the place of others
    }

    [Fact]
    public void Every_method_has_a_sheet_and_a_shared_sheet_has_one_row_per_method()
    {
        int Height(params string[] ids)
        {
            using var sheet =
                SKBitmap.Decode(MixingPreview.DrawAll([.. ids.Select(id => MethodStack.Parse(id))], dataset, new SeedStream(1), model));
            return sheet.Height;
        }
        var one = Height("cutmix");
        foreach (var method in Methods.All)
        {
            Assert.True(Height("cutmix", method.Id) > one + 160, method.Id);      // one more row, as high as a picture
            Assert.NotEmpty(MixingPreview.Draw(MethodStack.Parse(method.Id), dataset, new SeedStream(1), 2));
        }
        // Choices among mixers of which one needs attention, or a batch before.
        foreach (var choice in (string[])["mixup:0.1-or-transmix:0.9", "cutmix:0.1-or-tokenmix:0.9", "snapmix:0.1-or-recursivemix:0.9",
            "cutmix:0.1-or-automix:0.9"])
            Assert.NotEmpty(MixingPreview.Draw(MethodStack.Parse(choice), dataset, new SeedStream(1), 2, model: model));
        Assert.NotEmpty(MixingPreview.Draw(MethodStack.Parse("dropblock+shakedrop"), dataset, new SeedStream(1), 1));
        Assert.Contains("Baseline", Assert.Throws<InputException>(() =>
            MixingPreview.Draw(MethodStack.Parse("baseline"), dataset, new SeedStream(1), 1)).Message, StringComparison.Ordinal);
        Assert.Contains("`Objects`", Assert.Throws<InputException>(() =>
            MixingPreview.Draw(MethodStack.Parse("dropblock"), dataset, new SeedStream(1), 1, objects: true)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Mixed_features_come_from_the_image_or_its_partner()
    {
        for (var i = 0; i < 4; i++)
        {
            var (own, partner, mixed) = Row("featurecutmix", i) is [var a, var b, var seen, _] ? (a, b, seen)
                : throw new InvalidOperationException();
            var (taken, kept) = (0, 0);
            for (var y = 0; y < mixed.Height; y++)
            {
                for (var x = 0; x < mixed.Width; x++)
                {
                    var value = At(mixed, y, x);
                    Assert.True(value == At(own, y, x) || value == At(partner, y, x) || value == 255, $"{y}, {x}");      // 255: the outline
                    taken += value == At(partner, y, x) && value != At(own, y, x) ? 1 : 0;
                    kept += value == At(own, y, x) && value != At(partner, y, x) ? 1 : 0;
                }
            }
            Assert.True(taken + kept > 0);
        }
    }

    [Fact]
    public void Dropped_features_are_black_in_the_mask_and_missing_from_the_map()
    {
        var (before, after, mask) = Row("dropblock") is [_, var map, var seen, var kept] ? (map, seen, kept)
            : throw new InvalidOperationException();
        Assert.Contains((byte)0, mask.Rgb);
        Assert.Contains((byte)255, mask.Rgb);
        var changed = Enumerable.Range(0, mask.Rgb.Length).Count(k => mask.Rgb[k] == 0 && before.Rgb[k] > after.Rgb[k]);
        Assert.True(changed > 0);
    }

    [Fact]
    public void Stochastic_depth_keeps_or_drops_whole_branches_and_ShakeDrop_can_negate_them()
    {
        static bool Red(Picture picture) =>
            Enumerable.Range(0, picture.Rgb.Length / 3).Any(k => picture.Rgb[3 * k] > 0 && picture.Rgb[3 * k + 1] == 0);
        var depth = Row("stochasticdepth");
        Assert.Equal([0, 255], depth[1].Rgb.Distinct().Order().Select(value => (int)value));
        Assert.Equal(depth[1].Rgb, depth[2].Rgb);      // the gradient is dropped together with its branch
        var shaken = Row("shakedrop");
        Assert.True(Red(shaken[1]) && !Red(shaken[2]));
        Assert.True(At(shaken[3], 0, 0) > At(shaken[3], 0, shaken[3].Width - 1));      // later blocks have a smaller factor
    }

    [Fact]
    public void Bar_heights_match_the_label()
    {
        var (before, after) = Row("labelsmoothing") is [_, var first, var second, _] ? (first, second)
            : throw new InvalidOperationException();
        int[] Heights(Picture picture) =>
            [.. Enumerable.Range(0, picture.Width).Select(x => Enumerable.Range(0, picture.Height).Count(y => At(picture, y, x) < 128))];
        Assert.Equal([0, before.Height], Heights(before).Distinct().Order());
        var classes = dataset.ClassNames.Count;
        Assert.Equal((int)Math.Round(before.Height * (0.9 + 0.1 / classes)), Heights(after).Max());
        Assert.Equal(1, Heights(after).Where(height => height > 0).Min());
    }

    [Fact]
    public void Preview_leaves_the_network_unchanged_and_repeats_with_the_same_seed()
    {
        var before = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        foreach (var method in Methods.All.Where(method => method.Create() is FeatureMixer or BranchRegularizer or LabelRule))
            Assert.Equal(Row(method.Id, 1).SelectMany(picture => picture.Rgb), Row(method.Id, 1).SelectMany(picture => picture.Rgb));
        Assert.All(model.state_dict(), pair => Assert.False(pair.Value.ne(before[pair.Key]).any().ToBoolean(), pair.Key));
    }
}
