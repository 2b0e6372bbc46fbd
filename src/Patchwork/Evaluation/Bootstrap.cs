using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>
/// Percentile bootstrap (Efron, 1979): images are drawn with replacement, as many as there are, and a statistic is measured on each draw.
/// It says how far a number moves with the choice of test images, not with the training seed.
/// </summary>
public static class Bootstrap
{
    /// <summary>Draws of the images. More change the ends by less than they are worth.</summary>
    public const int Resamples = 1000;

    /// <summary>The middle 95 % of statistics over draws of <paramref name="count"/> images.</summary>
    /// <param name="count">Images. Range: at least 1.</param>
    /// <param name="draws">Randomness; the same stream gives the same intervals.</param>
    /// <param name="statistics">
    /// The statistics, any number of them, of images that count as often as the array says (one entry an image).
    /// </param>
    public static Interval[] Of(int count, Draws draws, Func<int[], double[]> statistics)
    {
        var times = new int[count];
        return Middle(draws, () => statistics(Redraw(times, draws)));
    }

    /// <summary>The middle 95 % of statistics of two groups of images, each drawn anew by itself.</summary>
    /// <inheritdoc cref="Of(int, Draws, Func{int[], double[]})"/>
    public static Interval[] Of(int first, int second, Draws draws, Func<int[], int[], double[]> statistics)
    {
        var (a, b) = (new int[first], new int[second]);
        return Middle(draws, () => statistics(Redraw(a, draws), Redraw(b, draws)));
    }

    /// <summary>The interval of the mean of one value an image.</summary>
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
            var sorted = all.Select(one => one[k]).Where(double.IsFinite).Order().ToArray();      // a draw may lack a class
            if (sorted.Length == 0)
                return new Interval(double.NaN, double.NaN);
            return new Interval(Quantile(sorted, 0.025), Quantile(sorted, 0.975));
        })];
    }

    // Linear between order statistics, as NumPy's default.
    internal static double Quantile(IReadOnlyList<double> sorted, double share)
    {
        var place = share * (sorted.Count - 1);
        var below = (int)Math.Floor(place);
        return below + 1 < sorted.Count ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }
}
