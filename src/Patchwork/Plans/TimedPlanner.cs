namespace Patchwork.Plans;

/// <summary>A planner whose strength depends on the epoch of the batch that it plans for, even when a loader plans ahead.</summary>
/// <param name="usual">The planner that determines <see cref="Needs"/> and <see cref="PlansBoxes"/> at all times.</param>
/// <param name="at">Returns the planner to use at a given <see cref="MixContext.Epoch"/>.</param>
internal sealed class TimedPlanner(IPlanner usual, Func<double, IPlanner> at) : IPlanner
{
    /// <inheritdoc/>
    public Needs Needs => usual.Needs;

    /// <inheritdoc/>
    public bool PlansBoxes => usual.PlansBoxes;

    /// <inheritdoc/>
    public MixPlan Plan(MixContext context) => at(context.Epoch).Plan(context);
}
