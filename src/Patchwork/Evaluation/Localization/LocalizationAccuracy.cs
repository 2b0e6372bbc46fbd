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
    private static readonly double[] Overlaps = [0.3, 0.5, 0.7];
    private readonly long[,] largest = new long[Overlaps.Length, Thresholds], any = new long[Overlaps.Length, Thresholds];
    private long images, classAndPlace, place;

    /// <summary>Adds an image.</summary>
    /// <param name="trueMap">Score map of the true class, height · width values in [0, 1].</param>
    /// <param name="height">Rows of the maps.</param>
    /// <param name="width">Columns of the maps.</param>
    /// <param name="boxes">The objects' boxes, in pixels of the map; at least one.</param>
    /// <param name="classIsRight">Whether the true class was predicted: then the map of the predicted class is that of the true one.</param>
    /// <returns>Whether the place was right at the paper's threshold, whatever the class.</returns>
    public bool Add(ReadOnlySpan<float> trueMap, int height, int width, IReadOnlyList<InclusiveBox> boxes, bool classIsRight)
    {
        if (boxes.Count == 0)
            throw new ArgumentException("An image must have a box to be found. Received: none.");
        images++;
        var found = Overlap(Contours.Largest(trueMap, height, width, PaperThreshold), boxes) >= 0.5;
        place += found ? 1 : 0;
        classAndPlace += found && classIsRight ? 1 : 0;
        var (before, one, best) = (-1, 0.0, 0.0);
        var top = 0;
        foreach (var score in trueMap)
            top = Math.Max(top, (byte)(score * 255));
        for (var t = 0; t < Thresholds; t++)
        {
            var threshold = t * 0.01;
            if ((int)(threshold * top) is var level && level != before)      // the same level gives the same contours
            {
                var contours = Contours.Of(trueMap, height, width, threshold);
                one = Overlap(Contours.Largest(contours), boxes);
                best = contours.Count == 0 ? Overlap(default, boxes) : contours.Max(contour => Overlap(contour.Box, boxes));
                before = level;
            }
            for (var k = 0; k < Overlaps.Length; k++)
            {
                largest[k, t] += one >= Overlaps[k] ? 1 : 0;
                any[k, t] += best >= Overlaps[k] ? 1 : 0;
            }
        }
        return found;
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
