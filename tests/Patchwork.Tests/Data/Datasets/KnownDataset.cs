using Patchwork.Data;
using Patchwork.Plans;

namespace Patchwork.Tests.Data;

/// <summary>A data set of one-pixel images with given labels. Pixel, box and mask of an example are derived from its index.</summary>
internal sealed class KnownDataset(int[] labels, bool inMemory = true) : Dataset
{
    private readonly byte[] numbers = [.. Enumerable.Range(0, labels.Length).Select(i => (byte)i)];

    public override int Count => labels.Length;

    public override int Channels => 1;

    public override int Height => 1;

    public override int Width => 1;

    public override IReadOnlyList<string> ClassNames { get; } =
        [.. Enumerable.Range(0, labels.DefaultIfEmpty().Max() + 1).Select(label => $"class {label}")];

    public override Normalization Normalization { get; } = new([0.5f], [0.25f]);

    public override bool InMemory => inMemory;

    public override int Label(int index) => labels[index];

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        if (inMemory)
            return numbers.AsSpan(index, 1);
        scratch[0] = numbers[index];
        return scratch[..1];
    }

    public override Box? ObjectBox(int index) => index % 2 == 0 ? new Box(0, 0, index, index) : null;

    public override ReadOnlySpan<byte> ObjectMask(int index) => numbers.AsSpan(index, 1);
}
