namespace Patchwork.Evaluation;

/// <summary>
/// PxAP (Choe et al., CVPR 2020): average precision of the pixels of score maps against object masks, over thresholds in steps of 0.01.
/// Memory use does not depend on the number of images.
/// </summary>
public sealed class PixelPrecision
{
    private const int Bins = 101;      // scores in [i·0.01, (i + 1)·0.01), and 1
    private readonly long[] objects = new long[Bins], background = new long[Bins];

    /// <summary>Adds an image.</summary>
    /// <param name="scores">Score map, values in [0, 1].</param>
    /// <param name="mask">One byte per pixel: 1 object, 0 background, 255 ignored.</param>
    public void Add(ReadOnlySpan<float> scores, ReadOnlySpan<byte> mask)
    {
        if (scores.Length != mask.Length)
            throw new ArgumentException($"A mask must have one byte for each of the {scores.Length} scores. Received: {mask.Length}.");
        for (var i = 0; i < scores.Length; i++)
        {
            if (mask[i] == 255)
                continue;
            var bin = Math.Clamp((int)(scores[i] * 100.0), 0, Bins - 1);
            // The product may be rounded across a threshold; the comparison with the threshold itself is exact.
            if (bin > 0 && scores[i] < bin * 0.01)
                bin--;
            else if (bin < Bins - 1 && scores[i] >= (bin + 1) * 0.01)
                bin++;
            (mask[i] == 1 ? objects : background)[bin]++;
        }
    }

    /// <summary>Area under the precision-recall curve, 0 to 1; NaN without object pixels.</summary>
    public double AveragePrecision
    {
        get
        {
            double all = objects.Sum(), hits = 0, marked = 0, area = 0;
            for (var bin = Bins - 1; bin >= 0; bin--)
            {
                hits += objects[bin];
                marked += objects[bin] + background[bin];
                if (objects[bin] > 0)
                    area += objects[bin] / all * (hits / marked);
            }
            return all == 0 ? double.NaN : area;
        }
    }
}
