using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Writes a batch in one pass: crop, mirror, mix, convert and normalize touch every output pixel once. Inside a plan's box the rows are read from the
/// partner's source instead of the image's own, so CutMix reads and writes no memory that the plain batch would not.
/// </summary>
internal sealed class BatchAssembler(Dataset dataset, SeedStream seeds, CropFlip augmentation)
{
    private readonly PixelRows rows = new(dataset.Normalization);

    /// <summary>
    /// Assembles the examples into <paramref name="images"/> (N, C, H, W), N = <paramref name="ids"/>. Thread-safe: <paramref name="scratch"/> is the
    /// caller's own, and its decoded images stay valid until its next use.
    /// </summary>
    public void Assemble(ReadOnlySpan<int> ids, long epoch, MixPlan? plan, Span<float> images, ref byte[] scratch)
    {
        var size = dataset.ImageBytes;
        var needed = dataset.InMemory ? 0 : ids.Length * size;
        if (scratch.Length < needed)
            scratch = new byte[needed];
        var geometries = new Geometry[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            geometries[i] = augmentation.Draw(seeds.Open("augment", epoch, ids[i]));
            if (!dataset.InMemory)
                dataset.Read(ids[i], scratch.AsSpan(i * size, size));
        }
        for (var i = 0; i < ids.Length; i++)
        {
            var output = images.Slice(i * size, size);
            var own = Source(ids, i, scratch, size);
            if (plan?.Images[i] is { Region: BoxRegion { Box: { IsEmpty: false } box } } mix && mix.Partner != i)
                WritePasted(own, geometries[i], Source(ids, mix.Partner, scratch, size), geometries[mix.Partner], box, output);
            else
                rows.Write(own, dataset.Channels, dataset.Height, dataset.Width, geometries[i], output);
        }
    }

    private ReadOnlySpan<byte> Source(ReadOnlySpan<int> ids, int i, byte[] scratch, int size) =>
        dataset.InMemory ? dataset.Read(ids[i], []) : scratch.AsSpan(i * size, size);

    private void WritePasted(ReadOnlySpan<byte> own, Geometry geometry, ReadOnlySpan<byte> partner, Geometry partnerGeometry, Box box, Span<float> output)
    {
        var (height, width) = (dataset.Height, dataset.Width);
        var words = PixelRows.Words(width);
        Span<ulong> all = stackalloc ulong[words], beside = stackalloc ulong[words], inside = stackalloc ulong[words];
        SourceRow.Masks(geometry, width, 0, width, outside: false, all);
        SourceRow.Masks(geometry, width, box.Left, box.Right, outside: true, beside);
        SourceRow.Masks(partnerGeometry, width, box.Left, box.Right, outside: false, inside);
        for (var row = 0; row < dataset.Channels * height; row++)
        {
            var (channel, y) = (row / height, row % height);
            var source = new SourceRow(own, height, width, channel, y, geometry);
            var target = output.Slice(row * width, width);
            if (y < box.Top || y >= box.Bottom)
                rows.Write(channel, source, all, target);
            else
                rows.Write(channel, source, beside, new SourceRow(partner, height, width, channel, y, partnerGeometry), inside, target);
        }
    }
}
