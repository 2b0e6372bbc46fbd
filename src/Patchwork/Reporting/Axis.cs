using System.Globalization;

namespace Patchwork.Reporting;

/// <summary>
/// A chart axis from <paramref name="Low"/> to <paramref name="High"/> with ticks at multiples of <paramref name="Step"/>, which is 1, 2 or
/// 5 times a power of ten.
/// </summary>
internal sealed record Axis(double Low, double High, double Step)
{
    /// <summary>
    /// An axis that covers <paramref name="values"/>. A <paramref name="tight"/> axis runs from the smallest to the largest value, with
    /// ticks at whole numbers if all values are whole; any other axis is widened to whole steps. Without values it runs from 0 to 1; a
    /// single value is centred. The ticks make at most about <paramref name="intervals"/> intervals.
    /// </summary>
    internal static Axis Over(IEnumerable<double> values, bool tight, int intervals = 6)
    {
        var all = values.DefaultIfEmpty(double.NaN).ToArray();
        var (low, high) = double.IsNaN(all[0]) ? (0.0, 1.0) : (all.Min(), all.Max());
        // Relative to the values: steps finer than their precision would make ticks coincide.
        if (high - low <= 1e-9 * Math.Max(Math.Abs(low), Math.Abs(high)))
        {
            var margin = low == 0 ? 1 : Math.Abs(low) * 0.1;
            (low, high) = (low - margin, high + margin);
        }
        var step = NiceStep((high - low) / intervals);
        // Ticks between whole numbers, such as epochs, would mark nothing.
        if (tight && all.All(double.IsInteger)) step = Math.Max(1, step);
        return tight ? new Axis(low, high, step)
            : new Axis(Math.Floor(low / step + 1e-9) * step, Math.Ceiling(high / step - 1e-9) * step, step);
    }

    internal IEnumerable<double> Ticks
    {
        get
        {
            var first = Math.Ceiling(Low / Step - 1e-9);
            for (var i = 0; (first + i) * Step <= High + 1e-9 * Step; i++) yield return (first + i) * Step;
        }
    }

    internal double Share(double value) => (value - Low) / (High - Low);

    internal string Label(double tick)
    {
        var size = Math.Max(Math.Abs(Low), Math.Abs(High));
        if (size >= 1e7 || size < 1e-4) return (tick == 0 ? 0 : tick).ToString("0.###e0", CultureInfo.InvariantCulture);
        var decimals = Math.Clamp((int)-Math.Floor(Math.Log10(Step) + 1e-9), 0, 10);
        var rounded = Math.Round(tick, decimals);
        return (rounded == 0 ? 0 : rounded).ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
    }

    private static double NiceStep(double rough)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
    }
}
