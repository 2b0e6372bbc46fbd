using Patchwork.Data;

namespace Patchwork.Evaluation;

/// <summary>A training that a suite asks for: it starts from the weights of the network that is evaluated, on another data set.</summary>
public sealed record Retraining
{
    /// <summary>Id of the suite that asks.</summary>
    public required string Suite { get; init; }

    /// <summary>Its name, different for whatever leads to different weights: the same name is not trained twice.</summary>
    public required string Name { get; init; }

    /// <summary>What progress messages call it.</summary>
    public required string Label { get; init; }

    /// <summary>The data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>The data set's folder; null, the default, for the one where sets are looked for.</summary>
    public string? Folder { get; init; }

    /// <summary>Rows and columns of images whose set leaves them open. Range 8 to 1024.</summary>
    public required int ImageSize { get; init; }

    /// <summary>What its images are normalized with: the set's own, not what the weights were trained with.</summary>
    public required Normalization Normalization { get; init; }

    /// <summary>
    /// Whether large JPEG files are decoded at a fraction of their size, as they are when the network is tested. Default true.
    /// </summary>
    public bool ScaledDecoding { get; init; } = true;

    /// <summary>True trains a new last layer and leaves all others as they are; false, the default, trains all of them.</summary>
    public bool LastLayerOnly { get; init; }

    /// <summary>The learning rate. Range: positive.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Number of epochs. Range: at least 1.</summary>
    public required int Epochs { get; init; }
}
