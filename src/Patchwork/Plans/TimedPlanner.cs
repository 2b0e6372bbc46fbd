namespace Patchwork.Plans;

/// <summary>A planner whose strength depends on the time of the batch that it plans for, also when a loader plans ahead.</summary>
/// <param name="usual">What it needs and plans at any time.</param>
/// <param name="at">The planner in force by <see cref="MixContext.Epoch"/>.</param>
internal sealed class TimedPlanner(IPlanner usual, Func<double, IPlanner> at) : IPlanner
{
    /// <inheritdoc/>
    public Needs Needs => usual.Needs;

    /// <inheritdoc/>
    public bool PlansBoxes => usual.PlansBoxes;

    /// <inheritdoc/>
    public MixPlan Plan(MixContext context) => at(context.Epoch).Plan(context);
}
