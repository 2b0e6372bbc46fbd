using CsCheck;
using Patchwork.Data;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class ColorAdjustmentTests
{
    private const int Side = 16, Area = Side * Side;

    private static byte[] Picture() => [.. Enumerable.Range(0, 3 * Area).Select(i => (byte)(i * i * 31 / 7 + i * 13))];

    public static TheoryData<string, double> Changes => new()
    {
        { "brightness", 0.4 }, { "brightness", 1.37 },
        { "contrast", 0.25 }, { "contrast", 1.6 },
        { "saturation", 0.0 }, { "saturation", 1.9 },
        { "hue", -0.31 }, { "hue", 0.1 }, { "hue", 0.5 },
    };

    private static string Name(string what, double amount) => FormattableString.Invariant($"{what} {amount}");

    // Results of torchvision's functions for the same bytes, one line per change, from a single Python process.
    private static readonly Lazy<Dictionary<string, int[]>> TorchVision = new(() =>
    {
        string[] changes = [.. Changes.Select(change => Name(change.Data.Item1, change.Data.Item2))];
        var lines = Python.Run("""
            import sys, torch, torchvision.transforms.functional as F
            image = torch.tensor([int(v) for v in sys.argv[1].split()], dtype=torch.uint8).reshape(3, 16, 16)
            for change in sys.argv[2:]:
                what, amount = change.split()
                print(*getattr(F, "adjust_" + what)(image, float(amount)).flatten().tolist())
            """, [string.Join(" ", Picture()), .. changes]).Trim().Split('\n');
        return changes.Zip(lines).ToDictionary(pair => pair.First, pair => pair.Second.Split().Select(int.Parse).ToArray());
    });

    [Theory, MemberData(nameof(Changes))]
    public void Colours_change_as_in_torchvision(string what, double amount)
    {
        Python.Need("torchvision");
        var expected = TorchVision.Value[Name(what, amount)];
        var picture = Picture();
        if (what == "brightness")
            ColorAdjustment.Brightness(picture, (float)amount);
        else if (what == "contrast")
            ColorAdjustment.Contrast(picture, 3, (float)amount);
        else if (what == "saturation")
            ColorAdjustment.Saturation(picture, (float)amount);
        else
            ColorAdjustment.Hue(picture, (float)amount);
        // Levels are truncated, not rounded, so they may differ by one where the last bit of a product decides.
        Assert.All(picture.Zip(expected), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
        if (what == "hue")
            Assert.DoesNotContain(picture.Zip(expected), pair => pair.First < pair.Second);      // torchvision truncates, Patchwork rounds
        else
            Assert.InRange(picture.Zip(expected).Count(pair => pair.First != pair.Second), 0, picture.Length / 50);
    }

    [Fact]
    public void A_factor_of_one_and_a_full_hue_rotation_change_nothing()
    {
        var picture = Picture();
        ColorAdjustment.Brightness(picture, 1);
        ColorAdjustment.Contrast(picture, 3, 1);
        ColorAdjustment.Saturation(picture, 1);
        ColorAdjustment.Hue(picture, 0);
        Assert.Equal(Picture(), picture);
        ColorAdjustment.Hue(picture, 1);
        Assert.All(picture.Zip(Picture()), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
    }

    [Fact]
    public void Saturation_and_hue_do_not_change_grey_images()
    {
        byte[] grey = [.. Enumerable.Range(0, 3 * Area).Select(i => (byte)(i % Area))];
        var picture = (byte[])grey.Clone();
        ColorAdjustment.Hue(picture, 0.3f);
        Assert.Equal(grey, picture);
        ColorAdjustment.Saturation(picture, 1.7f);
        // the luma weights sum to 0.9999, and levels are truncated
        Assert.All(picture.Zip(grey), pair => Assert.InRange(pair.First - pair.Second, -2, 2));
    }

    [Fact]
    public void A_jitter_of_strength_zero_changes_nothing_and_any_other_depends_only_on_the_stream()
    {
        var none = new ColorJitter { Brightness = 0, Contrast = 0, Saturation = 0, Hue = 0 };
        Gen.ULong.Sample(seed =>
        {
            var (left, first, second) = (Picture(), Picture(), Picture());
            none.Apply(left, 3, new SeedStream(seed).Open("color"));
            var jitter = new ColorJitter { Hue = 0.1 };
            jitter.Apply(first, 3, new SeedStream(seed).Open("color"));
            jitter.Apply(second, 3, new SeedStream(seed).Open("color"));
            return left.SequenceEqual(Picture()) && first.SequenceEqual(second) && !first.SequenceEqual(left);
        }, iter: 50);
    }
}
