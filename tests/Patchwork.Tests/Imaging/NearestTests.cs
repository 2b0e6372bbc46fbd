using CsCheck;
using Patchwork.Imaging;
using Xunit;

namespace Patchwork.Tests.Imaging;

public sealed class NearestTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("", "abc", 3)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("saturday", "sunday", 3)]
    [InlineData("cutmix", "cumtix", 2)]
    public void Distance_is_the_Levenshtein_distance(string a, string b, int expected) => Assert.Equal(expected, Nearest.Distance(a, b));

    [Fact]
    public void Distance_is_a_metric() =>
        Gen.Select(Text, Text, Text).Sample((a, b, c) =>
            Nearest.Distance(a, b) == Nearest.Distance(b, a)
            && (Nearest.Distance(a, b) == 0) == (a == b)
            && Nearest.Distance(a, c) <= Nearest.Distance(a, b) + Nearest.Distance(b, c));

    [Theory]
    [InlineData("cutmx", "cutmix")]
    [InlineData("CutMix", "cutmix")]
    [InlineData("mixpu", "mixup")]
    public void A_mistyped_name_finds_the_intended_one(string given, string expected) =>
        Assert.Equal(expected, Nearest.Name(given, ["mixup", "cutmix", "cutout"]));

    [Fact]
    public void A_name_unlike_all_others_has_no_suggestion()
    {
        Assert.Null(Nearest.Name("resnet", ["mixup", "cutout"]));
        Assert.Null(Nearest.Name("mixup", []));
    }

    private static Gen<string> Text => Gen.Char['a', 'c'].Array[0, 6].Select(characters => new string(characters));
}
