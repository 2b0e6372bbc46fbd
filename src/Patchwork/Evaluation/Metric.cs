namespace Patchwork.Evaluation;

/// <summary>One measured number.</summary>
/// <param name="Value">The number; shares lie between 0 and 1, not in percent. NaN where there is none.</param>
/// <param name="Ci95">Where 95 % of its values fall when the images are drawn anew; null where that is not known.</param>
/// <param name="N">Images that it was measured on.</param>
public sealed record Metric(double Value, Interval? Ci95, long N)
{
    /// <summary>True where a number was measured.</summary>
    public bool IsKnown => double.IsFinite(Value);
}

/// <summary>A closed interval.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>True when a value lies inside or on an end.</summary>
    public bool Contains(double value) => value >= Low && value <= High;
}
