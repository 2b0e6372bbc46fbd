using System.Globalization;

namespace Patchwork.Schedules;

/// <summary>
/// How a strength (a probability, α, a drop rate, label smoothing) changes during training: linear between points, constant before the
/// first and after the last. It is a pure function of time, so there is no state to save or restore.
/// </summary>
/// <example><code>
/// new MixingCallback(new CutMix()) { Probability = new StrengthSchedule((0, 0), (299, 1)) }      // the paper's "Scheduled CutMix"
/// </code></example>
public sealed record StrengthSchedule
{
    /// <summary>
    /// Creates a schedule from its points. Two points at the same epoch make a jump; at that epoch, the second one applies.
    /// </summary>
    /// <param name="points">Epochs, counted from 0 and in ascending order, each with its value.</param>
    /// <exception cref="ArgumentException">
    /// There are no points, a number is not finite, an epoch is negative, or the epochs are not in ascending order.
    /// </exception>
    public StrengthSchedule(params IReadOnlyList<StrengthPoint> points)
    {
        if (points.Count == 0 || points.Any(point => !double.IsFinite(point.Epoch) || !double.IsFinite(point.Value) || point.Epoch < 0)
            || points.Zip(points.Skip(1)).Any(pair => pair.First.Epoch > pair.Second.Epoch))
            throw new ArgumentException("A schedule must have one or more points, with epochs from 0 in ascending order. "
                + $"Received: {Text(points)}.", nameof(points));
        Points = points;
    }

    /// <summary>The points: epochs and values.</summary>
    public IReadOnlyList<StrengthPoint> Points { get; }

    /// <summary>
    /// Whether the value changes at every step, so that epoch 2.5 is the middle of the third epoch; if false, the default, a value holds
    /// for a whole epoch.
    /// </summary>
    public bool PerStep { get; init; }

    /// <summary>The value at a given time.</summary>
    /// <param name="epoch">Completed epochs, plus the completed share of the current one.</param>
    public double At(double epoch)
    {
        var time = PerStep ? epoch : Math.Floor(epoch);
        var behind = Points.TakeWhile(point => point.Epoch <= time).Count();
        if (behind == 0 || behind == Points.Count)
            return Points[Math.Max(behind - 1, 0)].Value;
        var ((start, from), (end, to)) = (Points[behind - 1], Points[behind]);
        return from + (to - from) * ((time - start) / (end - start));
    }

    /// <summary>Reads text such as <c>0:0 150:0.5</c>: epoch and value separated by a colon, points separated by spaces.</summary>
    /// <exception cref="InputException">The text is not a schedule.</exception>
    public static StrengthSchedule Parse(string text)
    {
        try
        {
            return new([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Point)]);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or OverflowException)
        {
            throw new InputException($"A schedule must be EPOCH:VALUE pairs separated by spaces, with epochs from 0 in ascending order, "
                + "for example 0:0 30:1. "
                + $"Received: {(text.Length == 0 ? "nothing" : text)}.", error);
        }
    }

    /// <summary>The schedule as text that <see cref="Parse"/> reads.</summary>
    public override string ToString() => Text(Points);

    private static string Text(IReadOnlyList<StrengthPoint> points) =>
        string.Join(' ', points.Select(point => FormattableString.Invariant($"{point.Epoch}:{point.Value}")));

    private static (double, double) Point(string text) => text.Split(':') is [var epoch, var value]
        ? (double.Parse(epoch, CultureInfo.InvariantCulture), double.Parse(value, CultureInfo.InvariantCulture))
        : throw new FormatException();
}

/// <summary>A point of a schedule, which can be written as a pair: <c>new StrengthSchedule((0, 0), (299, 1))</c>.</summary>
/// <param name="Epoch">Completed epochs, from 0.</param>
/// <param name="Value">The strength at that epoch.</param>
public readonly record struct StrengthPoint(double Epoch, double Value)
{
    /// <summary>Converts a pair to a point.</summary>
    public static implicit operator StrengthPoint((double Epoch, double Value) point) => new(point.Epoch, point.Value);
}
