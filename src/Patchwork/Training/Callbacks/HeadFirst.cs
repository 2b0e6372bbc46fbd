using Patchwork.Models;

namespace Patchwork.Training;

/// <summary>
/// Trains only the last layer in the first epochs, then all layers: a fresh layer sends back large gradients, which would damage pretrained
/// features.
/// </summary>
/// <param name="epochs">Number of epochs in which only the last layer is trained. Range: at least 1.</param>
public sealed class HeadFirst(int epochs) : Callback
{
    private readonly int epochs = epochs >= 1 ? epochs
        : throw new ArgumentOutOfRangeException(nameof(epochs), $"epochs must be at least 1. Received: epochs = {epochs}.");

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The network is not an <see cref="ImageClassifier"/>.</exception>
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
