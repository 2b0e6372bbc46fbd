using Patchwork.Models;

namespace Patchwork.Training;

/// <summary>
/// Trains the last layer alone for the first epochs and then all: a fresh layer sends large gradients, which would spoil features that were
/// trained elsewhere.
/// </summary>
/// <param name="epochs">Epochs of the last layer alone. Range: at least 1.</param>
public sealed class HeadFirst(int epochs) : Callback
{
    private readonly int epochs = epochs >= 1 ? epochs
        : throw new ArgumentOutOfRangeException(nameof(epochs), $"epochs must be at least 1. Received: epochs = {epochs}.");

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The network is none of the library's.</exception>
    public override void OnTrainEpochStart(TrainingState state)
    {
        if (state.Model is not ImageClassifier network)
            throw new InvalidOperationException($"{nameof(HeadFirst)} needs an {nameof(ImageClassifier)}. "
                + $"Received: {state.Model.GetType().Name}.");
        if (state.Epoch < epochs)
            network.FreezeFeatures();
        else if (network.IsFrozen)
        {
            network.Unfreeze();
            network.train();
        }
    }

    /// <inheritdoc/>
    public override void OnFitEnd(TrainingState state) => (state.Model as ImageClassifier)?.Unfreeze();
}
