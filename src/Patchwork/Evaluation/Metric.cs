namespace Patchwork.Evaluation;

/// <summary>One measured number.</summary>
/// <param name="Value">The value; shares are between 0 and 1, not in percent. NaN if there is none.</param>
/// <param name="Ci95">The middle 95 % of its values over resampled images; null if it is not known.</param>
/// <param name="N">Number of images that it was measured on.</param>
public sealed record Metric(double Value, Interval? Ci95, long N)
{
    /// <summary>True if a number was measured.</summary>
    public bool IsKnown => double.IsFinite(Value);
}

/// <summary>A closed interval.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>Whether a value is inside the interval or equal to one of its ends.</summary>
    public bool Contains(double value) => value >= Low && value <= High;
}
