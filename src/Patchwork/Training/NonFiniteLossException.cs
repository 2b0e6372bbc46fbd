namespace Patchwork.Training;

/// <summary>Training ran away: a step's loss, or a weight that was to be kept, was not a number or infinite. A checkpoint holds finite weights only.</summary>
public sealed class NonFiniteLossException : Exception
{
    private NonFiniteLossException(string message, long step, Exception? cause = null) : base(message, cause) => Step = step;

    /// <summary>Optimizer steps completed before it was seen.</summary>
    public long Step { get; }

    internal static NonFiniteLossException OfLoss(TrainingState state) =>
        new(FormattableString.Invariant($"The loss must be finite. Received: {state.Loss} at {Place(state)}."), state.Step);

    internal static NonFiniteLossException OfWeights(TrainingState state, string name) =>
        new($"Weights must be finite to be kept. Received: {name} with values that are not, before {Place(state)}.", state.Step);

    /// <summary>The same with advice for the person who runs this.</summary>
    internal NonFiniteLossException With(string advice) => new($"{Message} {advice}", Step, this);

    private static string Place(TrainingState state) => FormattableString.Invariant(
        $"epoch {state.Epoch}, step {state.StepInEpoch} of {state.Data.Train.Steps} (step {state.Step} of the run), learning rate {state.LearningRate:G4}");
}
