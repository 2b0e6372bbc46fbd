using Patchwork.Imaging;

namespace Patchwork;

/// <summary>How pictures are classified.</summary>
public sealed record ClassifierOptions
{
    /// <summary>
    /// Threads that share the work on one batch. Range: at least 1. Default 1: one picture is too little work to share out, and a service
    /// answers many requests at once, each on a thread of its own.
    /// </summary>
    public int Threads
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"Received: {value} threads.");
    } = 1;

    /// <summary>Pictures that go through the network at once where several are given. Range: at least 1. Default 32.</summary>
    public int BatchSize
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"Received: a batch of {value}.");
    } = 32;

    /// <summary>
    /// Pixels of the largest picture that is decoded; a small file can claim any size, and each takes four bytes meanwhile. Range: at least
    /// 1. Default <see cref="ImageDecoder.LargestPixels"/>.
    /// </summary>
    public long LargestPixels
    {
        get;
        init => field = value >= 1 ? value : throw new ArgumentOutOfRangeException(nameof(value), $"Received: {value} pixels.");
    } = ImageDecoder.LargestPixels;
}
