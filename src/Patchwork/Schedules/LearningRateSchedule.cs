namespace Patchwork.Schedules;

/// <summary>
/// Learning rate as a pure function of the optimizer step, so there is no state to save or restore. Optimizer steps count from 0.
/// </summary>
public abstract record LearningRateSchedule
{
    /// <summary>The learning rate at a step.</summary>
    public abstract double Rate(long step);

    private protected static long Positive(long length, string name) => length >= 1 ? length
        : throw new ArgumentOutOfRangeException(name, $"A schedule must be at least 1 step long. Received: {length}.");
}

/// <summary>A constant learning rate.</summary>
/// <param name="Value">The rate.</param>
public sealed record ConstantRate(double Value) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double Rate(long step) => Value;
}

/// <summary>
/// Multiplies the rate by a factor at each milestone: the schedule of the CutMix paper (×0.1 at one half and three quarters of 300 epochs).
/// </summary>
/// <param name="Initial">Rate before the first milestone.</param>
/// <param name="Milestones">Steps, in any order.</param>
/// <param name="Factor">Factor at each milestone.</param>
public sealed record MultiStep(double Initial, IReadOnlyList<long> Milestones, double Factor = 0.1) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double Rate(long step) => Initial * Math.Pow(Factor, Milestones.Count(milestone => step >= milestone));
}

/// <summary>
/// Follows half a cosine from the initial to the final rate (Loshchilov and Hutter 2017, eq. 5); after its length it rises again, as
/// torch's does.
/// </summary>
/// <param name="Initial">Rate at step 0.</param>
/// <param name="Length">Steps down to the final rate.</param>
/// <param name="Final">Lowest rate.</param>
public sealed record Cosine(double Initial, long Length, double Final = 0) : LearningRateSchedule
{
    /// <summary>Steps down to the final rate. Range: at least 1.</summary>
    public long Length { get; init; } = Positive(Length, nameof(Length));

    /// <inheritdoc/>
    public override double Rate(long step) => Final + (Initial - Final) * (1 + Math.Cos(Math.PI * step / Length)) / 2;
}

/// <summary>
/// One cycle (Smith and Topin 2019), like torch's OneCycleLR with two phases and cosine annealing. By default, the rate rises from max/25
/// to max in 30 % of the steps, then falls to the initial rate divided by 10,000.
/// </summary>
/// <param name="Max">Highest rate.</param>
/// <param name="Length">Total number of steps.</param>
/// <param name="UpShare">Share of the steps in which the rate rises.</param>
/// <param name="StartDivisor">Highest rate divided by the initial rate.</param>
/// <param name="FinalDivisor">Initial rate divided by the final rate.</param>
public sealed record OneCycle(double Max, long Length, double UpShare = 0.3, double StartDivisor = 25, double FinalDivisor = 1e4)
    : LearningRateSchedule
{
    /// <summary>Total number of steps. Range: at least 1.</summary>
    public long Length { get; init; } = Positive(Length, nameof(Length));

    /// <inheritdoc/>
    public override double Rate(long step)
    {
        var (start, peak, end) = (Max / StartDivisor, UpShare * Length - 1, Length - 1.0);
        return step <= peak ? Anneal(start, Max, peak == 0 ? 1 : step / peak)
            : Anneal(Max, start / FinalDivisor, (step - peak) / (end - peak));
    }

    private static double Anneal(double from, double to, double share) =>
        to + (from - to) / 2 * (1 + Math.Cos(Math.PI * Math.Min(share, 1)));
}

/// <summary>Rises linearly from a fraction of the rate, then hands over to another schedule, which begins when the rise ends.</summary>
/// <param name="Length">Number of steps in which the rate rises.</param>
/// <param name="Then">The schedule that follows, from its own step 0.</param>
/// <param name="StartFactor">Fraction of the rate at step 0.</param>
public sealed record Warmup(long Length, LearningRateSchedule Then, double StartFactor = 0.01) : LearningRateSchedule
{
    /// <inheritdoc/>
    public override double Rate(long step) =>
        step >= Length ? Then.Rate(step - Length) : Then.Rate(0) * (StartFactor + (1 - StartFactor) * step / Length);
}
