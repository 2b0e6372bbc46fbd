using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>
/// Percentile bootstrap (Efron, 1979): the images are resampled with replacement, as many as there are, and a statistic is computed on each
/// resample. The interval reflects the choice of test images, not the training seed.
/// </summary>
public static class Bootstrap
{
    /// <summary>Number of resamples. More resamples barely move the interval.</summary>
    public const int Resamples = 1000;

    /// <summary>Returns the middle 95 % of each statistic over resamples of <paramref name="count"/> images.</summary>
    /// <param name="count">Number of images. Range: at least 1.</param>
    /// <param name="draws">Randomness; the same stream gives the same intervals.</param>
    /// <param name="statistics">
    /// Computes any number of statistics; the array says how often each image counts, with one entry per image.
    /// </param>
    public static Interval[] Of(int count, Draws draws, Func<int[], double[]> statistics)
    {
        var times = new int[count];
        return Middle(draws, () => statistics(Redraw(times, draws)));
    }

    /// <summary>Returns the middle 95 % of each statistic of two groups of images, which are resampled independently.</summary>
    /// <inheritdoc cref="Of(int, Draws, Func{int[], double[]})"/>
    public static Interval[] Of(int first, int second, Draws draws, Func<int[], int[], double[]> statistics)
    {
        var (a, b) = (new int[first], new int[second]);
        return Middle(draws, () => statistics(Redraw(a, draws), Redraw(b, draws)));
    }

    /// <summary>Returns the interval of the mean of one value per image.</summary>
    public static Interval OfMean(IReadOnlyList<double> values, Draws draws) => Of(values.Count, draws, times =>
    {
        var sum = 0.0;
        for (var i = 0; i < times.Length; i++)
            sum += times[i] * values[i];
        return [sum / times.Length];
    })[0];

    private static int[] Redraw(int[] times, Draws draws)
    {
        Array.Clear(times);
        for (var i = 0; i < times.Length; i++)
            times[draws.Integer(times.Length)]++;
        return times;
    }

    private static Interval[] Middle(Draws draws, Func<double[]> statistics)
    {
        ArgumentNullException.ThrowIfNull(draws);
        var all = Enumerable.Range(0, Resamples).Select(_ => statistics()).ToArray();
        return [.. Enumerable.Range(0, all[0].Length).Select(k =>
        {
            var sorted = all.Select(one => one[k]).Where(double.IsFinite).Order().ToArray();      // a resample may lack a class
            if (sorted.Length == 0)
                return new Interval(double.NaN, double.NaN);
            return new Interval(Quantile(sorted, 0.025), Quantile(sorted, 0.975));
        })];
    }

    // Linear interpolation between order statistics, as NumPy does by default.
    internal static double Quantile(IReadOnlyList<double> sorted, double share)
    {
        var place = share * (sorted.Count - 1);
        var below = (int)Math.Floor(place);
        return below + 1 < sorted.Count ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}
