namespace Patchwork.Evaluation;

/// <summary>
/// Weakly supervised localization accuracy at the best threshold for each network (Choe et al., CVPR 2020). Images are added one by one;
/// memory use does not depend on their number.
/// </summary>
public sealed class LocalizationAccuracy
{
    private static readonly double[] Least = [0.3, 0.5, 0.7];
    private readonly long[,] largest = new long[Least.Length, MapBoxes.Thresholds], any = new long[Least.Length, MapBoxes.Thresholds];

    /// <summary>Adds an image.</summary>
    /// <param name="image">Its overlaps, from <see cref="MapBoxes.Overlaps"/>.</param>
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

    /// <summary>Number of images added.</summary>
    public long Images { get; private set; }

    /// <summary>MaxBoxAcc: share of images whose largest contour's box has an IoU of at least 0.5, at the best of 100 thresholds.</summary>
    public double MaxBoxAcc => Best(largest, 1);

    /// <summary>
    /// MaxBoxAccV2: share of images where the box of any contour reaches an IoU of 0.3, 0.5 or 0.7, at the best threshold for each of the
    /// three, averaged.
    /// </summary>
    public double MaxBoxAccV2 => (Best(any, 0) + Best(any, 1) + Best(any, 2)) / 3;

    /// <summary>Number of correct images at a threshold i·0.01 for IoU 0.3, 0.5 or 0.7, by the largest contour or by any contour.</summary>
    internal long Correct(int overlap, int threshold, bool anyContour) => (anyContour ? any : largest)[overlap, threshold];

    private double Best(long[,] counts, int overlap) =>
        (double)Enumerable.Range(0, MapBoxes.Thresholds).Max(t => counts[overlap, t]) / Images;
}
