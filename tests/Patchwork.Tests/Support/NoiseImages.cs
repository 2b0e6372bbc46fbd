using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Tests.Support;

/// <summary>
/// A small data set of noise images whose classes differ in brightness, either in memory or copied to the scratch space, as in a set that
/// decodes files.
/// </summary>
internal sealed class NoiseImages : Dataset
{
    private readonly byte[] pixels;
    private readonly bool inMemory;

    public NoiseImages(int count = 37, int channels = 3, int height = 12, int width = 16, int classes = 3, bool inMemory = true)
    {
        (Count, Channels, Height, Width, this.inMemory) = (count, channels, height, width, inMemory);
        ClassNames = [.. Enumerable.Range(0, classes).Select(k => $"class {k}")];
        var draws = new SeedStream(7).Open("noise images");
        pixels = [.. Enumerable.Range(0, count * ImageBytes).Select(i => (byte)(i / ImageBytes % classes * 60 + draws.Integer(100)))];
    }

    /// <summary>Index of the image whose reading fails; -1 for none.</summary>
    public int Broken { get; init; } = -1;

    public override int Count { get; }

    public override int Channels { get; }

    public override int Height { get; }

    public override int Width { get; }

    public override IReadOnlyList<string> ClassNames { get; }

    public override Normalization Normalization => new([.. Enumerable.Repeat(0.45f, Channels)], [.. Enumerable.Repeat(0.23f, Channels)]);

    public override bool InMemory => inMemory;

    public override int Label(int index) => index % ClassNames.Count;

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        if (index == Broken)
            throw new IOException($"example {index} cannot be read");
        var image = pixels.AsSpan(index * ImageBytes, ImageBytes);
        if (inMemory)
            return image;
        image.CopyTo(scratch);
        return scratch;
    }
}
