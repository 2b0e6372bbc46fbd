using Patchwork.Distributed;
using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// Writes a batch in one pass: crop, mirror, mix, convert and normalize touch every output pixel once. Inside a plan's box the rows are
/// read from the partner's source instead of the image's own, so CutMix reads and writes no more memory than a plain batch. Changes within
/// a single image (decoding, a resized crop, colours) are made before, once per image, however often its pixels are used.
/// </summary>
internal sealed class BatchAssembler(Dataset dataset, SeedStream seeds, LoaderOptions options)
{
    private readonly PixelRows rows = new(dataset.Normalization);

    // Images whose pixels are ready in the data set's own memory are read from there; others are made in scratch memory.
    private readonly bool ready = dataset.InMemory && options is { ResizedCrop: null, Color: null };

    /// <summary>
    /// Assembles some rows of a batch into <paramref name="images"/> (count of the rows, C, H, W); the plans are for the whole batch, whose
    /// examples are <paramref name="ids"/>. Thread-safe: <paramref name="scratch"/> belongs to the caller, and its images stay valid until
    /// its next use.
    /// </summary>
    public void Assemble(ReadOnlySpan<int> ids, RankRows part, long epoch, MixPlan? plan, IReadOnlyList<MixPlan> erased,
        Span<float> images, ref byte[] scratch)
    {
        var size = dataset.ImageBytes;
        var needed = ready ? 0 : ids.Length * size;
        if (scratch.Length < needed)
            scratch = new byte[needed];
        var geometries = new Geometry?[ids.Length];
        for (var k = 0; k < part.Count; k++)
        {
            var i = part.First + k;
            var output = images.Slice(k * size, size);
            var own = Source(ids, i, epoch, scratch, geometries);
            var (partner, box) = plan?.Images[i] is { Region: BoxRegion { Box: { IsEmpty: false } pasted } } mix && mix.Partner != i
                ? (mix.Partner, pasted) : (i, Box.Empty);
            if (partner == i)
                rows.Write(own, output);
            else
                rows.Write(own, Source(ids, partner, epoch, scratch, geometries), box, output);
            foreach (var holes in erased)
            {
                // Holes move with the pixels: those of the image apply outside the box, those of its partner inside it.
                (holes.Images[i].Region as FillRegion)?.Write(output, dataset.Height, dataset.Width, box, inside: false);
                if (partner != i)
                    (holes.Images[partner].Region as FillRegion)?.Write(output, dataset.Height, dataset.Width, box, inside: true);
            }
        }
    }

    /// <summary>
    /// The object's pixels (H·W) under the same crop and mirroring as the image's; null if they are not known, or cannot follow a resized
    /// crop.
    /// </summary>
    public byte[]? ObjectMask(int id, long epoch)
    {
        var mask = dataset.ObjectMask(id);
        if (mask.IsEmpty || options.ResizedCrop is not null)
            return null;
        var (height, width) = (dataset.Height, dataset.Width);
        var (row, column, mirrored) = options.Augmentation.Draw(seeds.Open("augment", epoch, id));
        var moved = new byte[mask.Length];
        for (var y = Math.Max(-row, 0); y < Math.Min(height - row, height); y++)
        {
            for (var x = 0; x < width; x++)
            {
                var from = (mirrored ? width - 1 - x : x) + column;
                moved[y * width + x] = from >= 0 && from < width ? mask[(y + row) * width + from] : (byte)0;
            }
        }
        return moved;
    }

    private void Make(int id, long epoch, Span<byte> output)
    {
        if (options.ResizedCrop is { } crop)
            dataset.ReadWindow(id, (height, width) => crop.Draw(height, width, seeds.Open("resized-crop", epoch, id)), output);
        else if (dataset.Read(id, output) is var pixels && dataset.InMemory)
            pixels.CopyTo(output);
        options.Color?.Apply(output, dataset.Channels, seeds.Open("color", epoch, id));
    }

    // The pixels of an image; they are made, and its crop drawn, when they are first requested.
    private ImageSource Source(ReadOnlySpan<int> ids, int i, long epoch, byte[] scratch, Geometry?[] geometries)
    {
        var made = scratch.AsSpan(ready ? 0 : i * dataset.ImageBytes, ready ? 0 : dataset.ImageBytes);
        if (geometries[i] is not { } geometry)
        {
            geometries[i] = geometry = options.Augmentation.Draw(seeds.Open("augment", epoch, ids[i]));
            if (!ready)
                Make(ids[i], epoch, made);
        }
        return new ImageSource(ready ? dataset.Read(ids[i], []) : made, dataset.Height, dataset.Width, geometry);
    }
}
