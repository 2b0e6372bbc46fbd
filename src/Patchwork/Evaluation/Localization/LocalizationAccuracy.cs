namespace Patchwork.Evaluation;

/// <summary>
/// Weakly supervised localization accuracy, image by image: the protocol of the CutMix paper (one threshold) and the fair one that replaced it (Choe et al., CVPR 2020:
/// the best threshold for each network). Memory does not grow with the images.
/// </summary>
public sealed class LocalizationAccuracy
{
    /// <summary>The threshold of the paper: 0.15 of the largest value.</summary>
    public const double PaperThreshold = 0.15;

    private const int Thresholds = 100;
    private static readonly double[] Least = [0.3, 0.5, 0.7];
    private readonly long[,] largest = new long[Least.Length, Thresholds], any = new long[Least.Length, Thresholds];
    private long images, classAndPlace, place;

    /// <summary>How well the boxes of one score map meet those of an image: all that the accuracies need of it. Pure, so that many can be measured at once.</summary>
    /// <param name="map">Score map of the true class, height · width values in [0, 1].</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    /// <param name="boxes">The objects' boxes, in pixels of the map; at least one.</param>
    public static MapOverlaps Overlaps(ReadOnlySpan<float> map, int height, int width, IReadOnlyList<InclusiveBox> boxes)
    {
        if (boxes.Count == 0)
            throw new ArgumentException("An image must have a box to be found. Received: none.");
        var (largest, any) = (new double[Thresholds], new double[Thresholds]);
        var (before, one, best, top) = (-1, 0.0, 0.0, 0);
        foreach (var score in map)
            top = Math.Max(top, (byte)(score * 255));
        for (var t = 0; t < Thresholds; t++)
        {
            var threshold = t * 0.01;
            if ((int)(threshold * top) is var level && level != before)      // the same level gives the same contours
            {
                var contours = Contours.Of(map, height, width, threshold);
                one = Overlap(Contours.Largest(contours), boxes);
                best = contours.Count == 0 ? Overlap(default, boxes) : contours.Max(contour => Overlap(contour.Box, boxes));
                before = level;
            }
            (largest[t], any[t]) = (one, best);
        }
        return new MapOverlaps(Overlap(Contours.Largest(map, height, width, PaperThreshold), boxes), largest, any);
    }

    /// <summary>Adds an image.</summary>
    /// <param name="image">What <see cref="Overlaps"/> says of it.</param>
    /// <param name="classIsRight">Whether the true class was predicted: then the map of the predicted class is that of the true one.</param>
    public void Add(MapOverlaps image, bool classIsRight)
    {
        images++;
        place += image.IsFound ? 1 : 0;
        classAndPlace += image.IsFound && classIsRight ? 1 : 0;
        for (var t = 0; t < Thresholds; t++)
        {
            for (var k = 0; k < Least.Length; k++)
            {
                largest[k, t] += image.Largest[t] >= Least[k] ? 1 : 0;
                any[k, t] += image.Any[t] >= Least[k] ? 1 : 0;
            }
        }
    }

    /// <summary>Images added.</summary>
    public long Images => images;

    /// <summary>Share of images whose class is right and whose box overlaps an object's by half or more (IoU) at the paper's threshold.</summary>
    public double Top1 => (double)classAndPlace / images;

    /// <summary>The same whatever the class: GT-known.</summary>
    public double GtKnown => (double)place / images;

    /// <summary>MaxBoxAcc: the largest contour's box, IoU of half or more, at the best of 100 thresholds.</summary>
    public double MaxBoxAcc => Best(largest, 1);

    /// <summary>MaxBoxAccV2: any contour's box, at the best threshold for each of IoU 0.3, 0.5 and 0.7, averaged.</summary>
    public double MaxBoxAccV2 => (Best(any, 0) + Best(any, 1) + Best(any, 2)) / 3;

    /// <summary>Right images at each threshold i·0.01, for IoU 0.3, 0.5 and 0.7; of the largest contours, or of any.</summary>
    internal long Correct(int overlap, int threshold, bool anyContour) => (anyContour ? any : largest)[overlap, threshold];

    private double Best(long[,] counts, int overlap) => (double)Enumerable.Range(0, Thresholds).Max(t => counts[overlap, t]) / images;

    private static double Overlap(InclusiveBox box, IReadOnlyList<InclusiveBox> boxes) => boxes.Max(box.IoU);
}

/// <summary>Overlaps (IoU) of the boxes of one score map with those of an image.</summary>
/// <param name="AtPaperThreshold">Of the largest contour at the paper's threshold.</param>
/// <param name="Largest">Of the largest contour at each of 100 thresholds.</param>
/// <param name="Any">Of the best contour at each threshold.</param>
public sealed record MapOverlaps(double AtPaperThreshold, IReadOnlyList<double> Largest, IReadOnlyList<double> Any)
{
    /// <summary>Whether the place is right at the paper's threshold: an IoU of half or more.</summary>
    public bool IsFound => AtPaperThreshold >= 0.5;
}
