using Patchwork.Imaging;

namespace Patchwork;

/// <summary>Options for classifying images.</summary>
public sealed record ClassifierOptions
{
    /// <summary>
    /// Number of threads that share the work on one batch. Range: at least 1. Default 1: a single image is too little work to split, and
    /// a service answers many requests at once, each on its own thread.
    /// </summary>
    public int Threads
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"Threads must be at least 1. Received: {value}.");
    } = 1;

    /// <summary>Number of images that pass through the network at once when several are given. Range: at least 1. Default 32.</summary>
    public int BatchSize
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"BatchSize must be at least 1. Received: {value}.");
    } = 32;

    /// <summary>
    /// Maximum number of pixels of an image that is decoded. A small file can claim any size, and each pixel takes four bytes during
    /// decoding. Range: at least 1. Default <see cref="ImageDecoder.LargestPixels"/>.
    /// </summary>
    public long LargestPixels
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"LargestPixels must be at least 1. Received: {value}.");
    } = ImageDecoder.LargestPixels;
}
