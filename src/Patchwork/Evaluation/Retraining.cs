using Patchwork.Data;

namespace Patchwork.Evaluation;

/// <summary>A training that a suite requests: it starts from the weights of the evaluated network and uses another data set.</summary>
public sealed record Retraining
{
    /// <summary>Id of the suite that requests it.</summary>
    public required string Suite { get; init; }

    /// <summary>Its name. Trainings that lead to different weights need different names: the same name is not trained twice.</summary>
    public required string Name { get; init; }

    /// <summary>Its name in progress messages.</summary>
    public required string Label { get; init; }

    /// <summary>The data set.</summary>
    public required string Dataset { get; init; }

    /// <summary>The data set's folder; null, the default, for the folder in which data sets are looked up.</summary>
    public string? Folder { get; init; }

    /// <summary>Rows and columns of the images if the data set does not define them. Range 8 to 1024.</summary>
    public required int ImageSize { get; init; }

    /// <summary>The normalization of its images: the data set's own, not the one that the weights were trained with.</summary>
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
