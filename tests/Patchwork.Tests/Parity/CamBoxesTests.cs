using System.Text.Json;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Parity;

/// <summary>Compares boxes, overlaps and accuracies with those of OpenCV and of the code of clovaai/wsolevaluation.</summary>
public sealed class CamBoxesTests
{
    public static TheoryData<string> Maps
    {
        get
        {
            using var vectors = Vectors.Open("cam_boxes.json");
            return [.. vectors.RootElement.GetProperty("maps").EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];
        }
    }

    [Theory, MemberData(nameof(Maps))]
    public void Contours_of_a_map_match_those_of_OpenCV(string name)
    {
        using var vectors = Vectors.Open("cam_boxes.json");
        var map = vectors.RootElement.GetProperty("maps").EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);
        var (height, width) = (map.GetProperty("H").GetInt32(), map.GetProperty("W").GetInt32());
        float[] scores = [.. map.GetProperty("scoremap").Numbers().Select(value => (float)value)];
        foreach (var result in map.GetProperty("results").EnumerateArray())
        {
            var threshold = result.GetProperty("threshold").GetDouble();
            var contours = new Contours(scores, height, width).At(threshold);
            Assert.Equal(result.GetProperty("contour_areas").Numbers().Order(), contours.Select(contour => contour.Area).Order());
            if (contours.Count > 0)
                Assert.Equal(Boxes(result.GetProperty("multi_boxes")).Order(), contours.Select(contour => Text(contour.Box)).Order());
            Assert.Equal(Boxes(result.GetProperty("box"), one: true)[0], Text(Contours.Largest(contours)));
        }
    }

    [Fact]
    public void Overlaps_and_resized_boxes_match_the_recorded_ones()
    {
        using var vectors = Vectors.Open("cam_boxes.json");
        var iou = vectors.RootElement.GetProperty("iou");
        var (a, b) = (iou.GetProperty("boxes_a").EnumerateArray().Select(Box).ToArray(), iou.GetProperty("boxes_b").EnumerateArray()
            .Select(Box).ToArray());
        foreach (var (expected, i) in iou.GetProperty("iou_matrix").Numbers().Select((value, i) => (value, i)))
            Assert.Equal(expected, a[i / b.Length].IoU(b[i % b.Length]), 1e-8);
        foreach (var item in vectors.RootElement.GetProperty("resize_bbox").EnumerateArray())
        {
            var side = item.GetProperty("resize").GetInt32();
            Assert.Equal(Box(item.GetProperty("resized")), Box(item.GetProperty("box"))
                .Resized(item.GetProperty("image_height").GetInt32(), item.GetProperty("image_width").GetInt32(), side, side));
        }
        // Cases from the unit tests of the public code.
        Assert.Equal(8 / 27.0, new InclusiveBox(1, 2, 5, 6).IoU(new InclusiveBox(3, 1, 4, 5)), 1e-12);
        Assert.Equal(1, default(InclusiveBox).IoU(default));
        Assert.Equal(new InclusiveBox(3, 1, 14, 1), new InclusiveBox(1, 2, 4, 3).Resized(20, 10, 10, 35));
    }

    [Fact]
    public void Accuracies_of_a_set_match_the_recorded_ones()
    {
        using var vectors = Vectors.Open("cam_boxes.json");
        var recorded = vectors.RootElement.GetProperty("box_accuracy");
        var (accuracy, precision) = (new LocalizationAccuracy(), new PixelPrecision());
        foreach (var image in vectors.RootElement.GetProperty("box_accuracy_images").EnumerateArray())
        {
            float[] scores = [.. image.GetProperty("levels").Numbers().Select(level => (float)((level + 0.5) / 256))];
            accuracy.Add(MapBoxes.Of(scores, 48, 48).Overlaps([.. image.GetProperty("gt_boxes_resized").EnumerateArray().Select(Box)]));
            precision.Add(scores, [.. image.GetProperty("mask").Numbers().Select(value => (byte)value)]);
            foreach (var (box, resized) in image.GetProperty("gt_boxes").EnumerateArray()
                .Zip(image.GetProperty("gt_boxes_resized").EnumerateArray()))
                Assert.Equal(Box(resized), Box(box)
                    .Resized(image.GetProperty("image_height").GetInt32(), image.GetProperty("image_width").GetInt32(), 48, 48));
        }
        foreach (var (kind, any) in (ReadOnlySpan<(string, bool)>)[("single_contour", false), ("multi_contour", true)])
        {
            foreach (var (overlap, k) in (ReadOnlySpan<(string, int)>)[("30", 0), ("50", 1), ("70", 2)])
            {
                var counts = recorded.GetProperty(kind).GetProperty("correct_counts").GetProperty(overlap).Numbers();
                Assert.Equal(counts, Enumerable.Range(0, 100).Select(t => (double)accuracy.Correct(k, t, any)));
            }
        }
        Assert.Equal(recorded.GetProperty("max_box_acc").GetDouble(), 100 * accuracy.MaxBoxAcc, 1e-7);
        Assert.Equal(recorded.GetProperty("max_box_acc_v2").GetDouble(), 100 * accuracy.MaxBoxAccV2, 1e-7);
        Assert.Equal(recorded.GetProperty("pxap_percent").GetDouble(), 100 * precision.AveragePrecision, 1e-7);
    }

    private static InclusiveBox Box(JsonElement numbers) =>
        new(numbers[0].GetInt32(), numbers[1].GetInt32(), numbers[2].GetInt32(), numbers[3].GetInt32());

    private static string Text(InclusiveBox box) => $"{box.Left} {box.Top} {box.Right} {box.Bottom}";

    private static string[] Boxes(JsonElement boxes, bool one = false) =>
        one ? [Text(Box(boxes))] : [.. boxes.EnumerateArray().Select(box => Text(Box(box)))];
}
