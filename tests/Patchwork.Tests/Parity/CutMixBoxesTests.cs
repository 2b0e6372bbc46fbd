using System.Text.Json;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Parity;

public sealed class CutMixBoxesTests
{
    [Fact]
    public void The_clipped_box_and_its_lambda_equal_every_case_of_the_authors_code()
    {
        using var file = Vectors.Open("cutmix_boxes.json");
        JsonElement[] cases = [.. file.RootElement.GetProperty("cases").EnumerateArray().Where(x => x.GetProperty("system").GetString() == "clovaai")];
        Assert.Equal(294, cases.Length);
        foreach (var one in cases)
        {
            int Whole(string name) => one.GetProperty(name).GetInt32();
            var (height, width) = (Whole("H"), Whole("W"));
            var box = BoxPlacement.Clipped(height, width, one.GetProperty("lambda").GetDouble(), Whole("row"), Whole("col"));
            var expected = new Box(Whole("top"), Whole("left"), Whole("bottom"), Whole("right"));
            Assert.True(expected == box || expected.IsEmpty && box.IsEmpty, $"{one}: {box}");
            Assert.Equal(one.GetProperty("lambda_adjusted").GetDouble(), new BoxRegion(box).KeptShare(height, width), 1e-8);
        }
    }
}
