using System.Collections.Concurrent;
using Patchwork.Imaging;
using Patchwork.Randomness;
using SkiaSharp;

namespace Patchwork.Evaluation;

/// <summary><c>pixelate</c>: downscales the image and scales it back up, both with a box filter.</summary>
public sealed record Pixelate : Corruption
{
    private static readonly double[] Left = [0.95, 0.9, 0.85, 0.75, 0.65];

    /// <inheritdoc/>
    public override string Id => "pixelate";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var (rows, columns) = (Fewer(x.Height), Fewer(x.Width));
        var (across, down) = (Box.Of(x.Width, columns), Box.Of(x.Height, rows));
        var (backAcross, backDown) = (Box.Of(columns, x.Width), Box.Of(rows, x.Height));
        var plane = new byte[x.Area];
        for (var channel = 0; channel < 3; channel++)
        {
            var values = x.Channel(channel);
            for (var i = 0; i < values.Length; i++)
                plane[i] = (byte)(values[i] * 255);
            var small = down.Columns(across.Rows(plane, x.Height), columns);
            var large = backDown.Columns(backAcross.Rows(small, rows), x.Width);
            for (var i = 0; i < values.Length; i++)
                values[i] = large[i] / 255.0;
        }

        int Fewer(int length) => Math.Max(1, (int)(length * Left[severity - 1]));
    }

    // Pillow's box filter along one axis: weights of 22 bits, every pass rounded to bytes.
    private sealed record Box(int[] First, int[][] Weights)
    {
        private const int Bits = 22;

        private static readonly ConcurrentDictionary<(int Length, int Count), Box> Known = new();

        public static Box Of(int length, int count) => Known.GetOrAdd((length, count), _ => Make(length, count));

        private static Box Make(int length, int count)
        {
            var scale = (double)length / count;
            var support = 0.5 * Math.Max(scale, 1);
            var box = new Box(new int[count], new int[count][]);
            for (var i = 0; i < count; i++)
            {
                var center = (i + 0.5) * scale;
                var (from, end) = (Math.Max((int)(center - support + 0.5), 0), Math.Min((int)(center + support + 0.5), length));
                double[] inside = [.. Enumerable.Range(from, end - from)
                    .Select(j => (j - center + 0.5) / (2 * support) is > -0.5 and <= 0.5 ? 1.0 : 0.0)];
                var sum = inside.Sum();
                (box.First[i], box.Weights[i]) = (from, [.. inside.Select(one => (int)(0.5 + one / sum * (1 << Bits)))]);
            }
            return box;
        }

        /// <summary>Resizes every row.</summary>
        public byte[] Rows(byte[] plane, int rows)
        {
            var (length, count) = (plane.Length / rows, First.Length);
            var resized = new byte[rows * count];
            for (var i = 0; i < resized.Length; i++)
                resized[i] = Sum(i % count, plane.AsSpan(i / count * length), 1);
            return resized;
        }

        /// <summary>Resizes every column.</summary>
        public byte[] Columns(byte[] plane, int columns)
        {
            var resized = new byte[First.Length * columns];
            for (var i = 0; i < resized.Length; i++)
                resized[i] = Sum(i / columns, plane.AsSpan(i % columns), columns);
            return resized;
        }

        private byte Sum(int i, ReadOnlySpan<byte> values, int stride)
        {
            var sum = 1 << Bits - 1;
            var weights = Weights[i];
            for (var tap = 0; tap < weights.Length; tap++)
                sum += weights[tap] * values[(First[i] + tap) * stride];
            return (byte)Math.Clamp(sum >> Bits, 0, 255);
        }
    }
}

/// <summary>
/// <c>jpeg_compression</c>: encodes the image as a baseline JPEG whose quality depends on the severity, with colours at half the resolution
/// (4:2:0), and decodes it again.
/// </summary>
public sealed record JpegCompression : Corruption
{
    private static readonly int[] Quality = [80, 65, 58, 50, 40];

    /// <inheritdoc/>
    public override string Id => "jpeg_compression";

    internal override unsafe void Corrupt(Planes x, int severity, Draws draws)
    {
        var rgba = new byte[4 * x.Area];
        rgba.AsSpan().Fill(byte.MaxValue);
        for (var channel = 0; channel < 3; channel++)
        {
            var values = x.Channel(channel);
            for (var i = 0; i < values.Length; i++)
                rgba[4 * i + channel] = (byte)(values[i] * 255);
        }
        fixed (byte* pixels = rgba)
        {
            using var pixmap = new SKPixmap(new SKImageInfo(x.Width, x.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), (nint)pixels);
            using var file =
                pixmap.Encode(new SKJpegEncoderOptions(Quality[severity - 1], SKJpegEncoderDownsample.Downsample420,
                SKJpegEncoderAlphaOption.Ignore));
            using var codec = SKCodec.Create(file);
            ImageDecoder.DecodeBySkia(codec, Id, rgba);
        }
        for (var channel = 0; channel < 3; channel++)
        {
            var values = x.Channel(channel);
            for (var i = 0; i < values.Length; i++)
                values[i] = rgba[4 * i + channel] / 255.0;
        }
    }
}
