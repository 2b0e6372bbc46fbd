namespace Patchwork.Training;

/// <summary>Creates the exceptions that report that training has diverged, and where.</summary>
internal static class NonFinite
{
    public static NonFiniteException Loss(TrainingState state) =>
        new(FormattableString.Invariant($"The loss must be finite. Received: {state.Loss} at {Place(state)}."), state.Step);

    public static NonFiniteException Validation(TrainingState state, double loss) =>
        new(FormattableString.Invariant(
            $"The validation loss must be finite. Received: {loss} after epoch {state.Epoch + 1} (step {state.Step} of the run), ")
            + FormattableString.Invariant($"learning rate {state.LearningRate:G4}."), state.Step);

    public static NonFiniteException Weights(TrainingState state, string name) =>
        new($"Weights must be finite to be kept. Received: {name} with values that are not finite, before {Place(state)}.", state.Step);

    private static string Place(TrainingState state)
    {
        var rate = FormattableString.Invariant($"learning rate {state.LearningRate:G4}");
        return $"epoch {state.Epoch}, step {state.StepInEpoch} of {state.Data.Train.Steps} (step {state.Step} of the run), {rate}";
    }
}
