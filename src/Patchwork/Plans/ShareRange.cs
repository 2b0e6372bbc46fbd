namespace Patchwork.Plans;

/// <summary>A closed range of shares of a whole, as sides or areas of an image; written as a pair: <c>SideRange = (0.2, 0.8)</c>.</summary>
/// <param name="Least">Lower end.</param>
/// <param name="Most">Upper end.</param>
public readonly record struct ShareRange(double Least, double Most)
{
    /// <summary>The range between two ends.</summary>
    public static implicit operator ShareRange((double Least, double Most) ends) => new(ends.Least, ends.Most);

    /// <summary>The ends, as (0.2, 0.8).</summary>
    public override string ToString() => FormattableString.Invariant($"({Least}, {Most})");
}
