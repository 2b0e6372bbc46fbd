namespace Patchwork.Evaluation;

/// <summary>
/// Weakly supervised localization accuracy at the best threshold for each network (Choe et al., CVPR 2020). Images are added one by one,
/// and memory does not grow with them.
/// </summary>
public sealed class LocalizationAccuracy
{
    private static readonly double[] Least = [0.3, 0.5, 0.7];
    private readonly long[,] largest = new long[Least.Length, MapBoxes.Thresholds], any = new long[Least.Length, MapBoxes.Thresholds];

    /// <summary>Adds an image.</summary>
    /// <param name="image">What <see cref="MapBoxes.Overlaps"/> says of it.</param>
    public void Add(MapOverlaps image)
    {
        Images++;
        for (var t = 0; t < MapBoxes.Thresholds; t++)
        {
            for (var k = 0; k < Least.Length; k++)
            {
                largest[k, t] += image.Largest[t] >= Least[k] ? 1 : 0;
                any[k, t] += image.Any[t] >= Least[k] ? 1 : 0;
            }
        }
    }

    /// <summary>Images added.</summary>
    public long Images { get; private set; }

    /// <summary>MaxBoxAcc: the largest contour's box, IoU of half or more, at the best of 100 thresholds.</summary>
    public double MaxBoxAcc => Best(largest, 1);

    /// <summary>MaxBoxAccV2: any contour's box, at the best threshold for each of IoU 0.3, 0.5 and 0.7, averaged.</summary>
    public double MaxBoxAccV2 => (Best(any, 0) + Best(any, 1) + Best(any, 2)) / 3;

    /// <summary>Right images at each threshold i·0.01, for IoU 0.3, 0.5 and 0.7; of the largest contours, or of any.</summary>
    internal long Correct(int overlap, int threshold, bool anyContour) => (anyContour ? any : largest)[overlap, threshold];

    private double Best(long[,] counts, int overlap) =>
        (double)Enumerable.Range(0, MapBoxes.Thresholds).Max(t => counts[overlap, t]) / Images;
}
