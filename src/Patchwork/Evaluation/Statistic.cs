using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// The mean of <paramref name="Count"/> values and their sample standard deviation (divisor n - 1; NaN for fewer than two values).
/// </summary>
public readonly record struct Statistic(double Mean, double StandardDeviation, int Count)
{
    /// <summary>The statistic of <paramref name="values"/>, at least one.</summary>
    public static Statistic Of(IEnumerable<double> values)
    {
        var all = values.ToArray();
        if (all.Length == 0) throw new ArgumentException("A mean needs at least one value. Received: none.", nameof(values));
        var mean = all.Average();
        var deviation = all.Length < 2 ? double.NaN : Math.Sqrt(all.Sum(value => (value - mean) * (value - mean)) / (all.Length - 1));
        return new Statistic(mean, deviation, all.Length);
    }

    /// <summary>
    /// Formats the statistic as "72.70 ± 0.31", as "72.70" if there is no standard deviation, or as "-" if there is no mean; with
    /// <paramref name="decimals"/> digits after the point.
    /// </summary>
    public string ToString(int decimals)
    {
        if (!double.IsFinite(Mean))
            return "-";
        var format = "F" + decimals.ToString(CultureInfo.InvariantCulture);
        var mean = Mean.ToString(format, CultureInfo.InvariantCulture);
        return double.IsNaN(StandardDeviation) ? mean : mean + " ± " + StandardDeviation.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <inheritdoc cref="ToString(int)"/>
    public override string ToString() => ToString(2);
}
