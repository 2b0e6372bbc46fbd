namespace Patchwork.Plans;

/// <summary>
/// A closed range of shares, for example of an image's side or area. It can be written as a pair: <c>SideRange = (0.2, 0.8)</c>.
/// </summary>
/// <param name="Least">Lower end.</param>
/// <param name="Most">Upper end.</param>
public readonly record struct ShareRange(double Least, double Most)
{
    /// <summary>Converts a pair of ends to a range.</summary>
    public static implicit operator ShareRange((double Least, double Most) ends) => new(ends.Least, ends.Most);

    /// <summary>Returns the two ends, for example (0.2, 0.8).</summary>
    public override string ToString() => FormattableString.Invariant($"({Least}, {Most})");
}
