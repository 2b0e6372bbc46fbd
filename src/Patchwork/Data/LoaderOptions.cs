namespace Patchwork.Data;

/// <summary>How a <see cref="BatchLoader"/> makes batches.</summary>
public sealed record LoaderOptions
{
    /// <summary>
    /// Images per batch. Range: at least 1. Default 128. The last batch of an epoch contains the remaining images; see
    /// <see cref="LeastBatch"/>.
    /// </summary>
    public int BatchSize { get; init => field = AtLeast(1, value, "batch size"); } = 128;

    /// <summary>
    /// Minimum number of images in a batch: if fewer are left at the end of an epoch, they join the previous batch. Use 2 for a network
    /// whose BatchNorm would see a single value in a batch of one. Range: at least 1. Default 1.
    /// </summary>
    public int LeastBatch { get; init => field = AtLeast(1, value, "least batch"); } = 1;

    /// <summary>Shuffle the examples anew in every epoch. Default true.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>
    /// Show every class equally often: an epoch has as many images as the set, with images of small classes repeated and some images of
    /// large classes omitted. Needs <see cref="Shuffle"/>. Default false.
    /// </summary>
    public bool Balanced { get; init; }

    /// <summary>Padding, crop and mirroring. Default <see cref="CropFlip.None"/>.</summary>
    public CropFlip Augmentation { get; init; } = CropFlip.None;

    /// <summary>Crops a random part of each picture; null, the default, uses the whole picture.</summary>
    public RandomResizedCrop? ResizedCrop { get; init; }

    /// <summary>Random changes of the colours; null, the default, leaves them unchanged.</summary>
    public ColorJitter? Color { get; init; }

    /// <summary>
    /// Threads that assemble batches ahead of the one in use; 0 assembles on the caller's thread. Default 1. Any number gives the same
    /// batches.
    /// </summary>
    public int Threads { get; init => field = AtLeast(0, value, "threads"); } = 1;

    /// <summary>
    /// Images per batch when nothing is trained: larger batches do not use a processor better, and the tensors of small networks no longer
    /// fit its cache.
    /// </summary>
    internal const int EvaluationBatch = 100;

    /// <summary>Options for evaluation: every image once, in order, without augmentation.</summary>
    public static LoaderOptions Evaluation(int batchSize, int threads = 1) =>
        new() { BatchSize = batchSize, Shuffle = false, Threads = threads };

    private static int AtLeast(int least, int value, string name) => value >= least ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"{name} must be at least {least}. Received: {value}.");
}
