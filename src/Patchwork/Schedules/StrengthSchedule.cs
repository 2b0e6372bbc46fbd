using System.Globalization;

namespace Patchwork.Schedules;

/// <summary>
/// How a strength (a probability, α, a drop rate, label smoothing) goes over the training: straight lines between points, level before the
/// first and behind the last. A pure function of the time: nothing to save, nothing to restore.
/// </summary>
/// <example><code>
/// new MixingCallback(new CutMix()) { Probability = new StrengthSchedule((0, 0), (299, 1)) }      // the paper's "Scheduled CutMix"
/// </code></example>
public sealed record StrengthSchedule
{
    /// <summary>A schedule by its points. Two points at one epoch make a jump, the second of them holds there.</summary>
    /// <param name="points">Epochs, counted from 0 and not falling, with the value there.</param>
    /// <exception cref="ArgumentException">There is no point, a number is not finite, or the epochs fall.</exception>
    public StrengthSchedule(params IReadOnlyList<StrengthPoint> points)
    {
        if (points.Count == 0 || points.Any(point => !double.IsFinite(point.Epoch) || !double.IsFinite(point.Value) || point.Epoch < 0)
            || points.Zip(points.Skip(1)).Any(pair => pair.First.Epoch > pair.Second.Epoch))
            throw new ArgumentException($"A schedule needs one or more points, their epochs from 0 upwards. Received: {Text(points)}.",
                nameof(points));
        Points = points;
    }

    /// <summary>Epochs and values.</summary>
    public IReadOnlyList<StrengthPoint> Points { get; }

    /// <summary>
    /// Follows every step, so that epoch 2.5 is the middle of the third; otherwise a value holds for a whole epoch. Default false.
    /// </summary>
    public bool PerStep { get; init; }

    /// <summary>The value in force.</summary>
    /// <param name="epoch">Epochs done, with the share done of the one in progress.</param>
    public double At(double epoch)
    {
        var time = PerStep ? epoch : Math.Floor(epoch);
        var behind = Points.TakeWhile(point => point.Epoch <= time).Count();
        if (behind == 0 || behind == Points.Count)
            return Points[Math.Max(behind - 1, 0)].Value;
        var ((start, from), (end, to)) = (Points[behind - 1], Points[behind]);
        return from + (to - from) * ((time - start) / (end - start));
    }

    /// <summary>Reads <c>0:0 150:0.5</c>: epoch and value around a colon, points between blanks.</summary>
    /// <exception cref="InputException">The text is no schedule.</exception>
    public static StrengthSchedule Parse(string text)
    {
        try
        {
            return new([.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Point)]);
        }
        catch (Exception error) when (error is FormatException or ArgumentException or OverflowException)
        {
            throw new InputException($"A schedule is EPOCH:VALUE, as often as needed, epochs from 0 upwards, for example 0:0 30:1. "
                + $"Received: {(text.Length == 0 ? "nothing" : text)}.", error);
        }
    }

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public override string ToString() => Text(Points);

    private static string Text(IReadOnlyList<StrengthPoint> points) =>
        string.Join(' ', points.Select(point => FormattableString.Invariant($"{point.Epoch}:{point.Value}")));

    private static (double, double) Point(string text) => text.Split(':') is [var epoch, var value]
        ? (double.Parse(epoch, CultureInfo.InvariantCulture), double.Parse(value, CultureInfo.InvariantCulture))
        : throw new FormatException();
}

/// <summary>A point of a schedule; written as a pair: <c>new StrengthSchedule((0, 0), (299, 1))</c>.</summary>
/// <param name="Epoch">Completed epochs, from 0.</param>
/// <param name="Value">The strength there.</param>
public readonly record struct StrengthPoint(double Epoch, double Value)
{
    /// <summary>The point of a pair.</summary>
    public static implicit operator StrengthPoint((double Epoch, double Value) point) => new(point.Epoch, point.Value);
}
