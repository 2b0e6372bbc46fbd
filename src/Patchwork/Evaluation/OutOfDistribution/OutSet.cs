using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>
/// Generates out-of-distribution images on demand: the four sets that need no download (Liang et al. 2018; Hendrycks et al., "Deep Anomaly
/// Detection with Outlier Exposure", ICLR 2019), and textures. The same seed gives the same images.
/// </summary>
public static class OutSet
{
    /// <summary>Names of the generated sets.</summary>
    public static IReadOnlyList<string> Drawn { get; } = ["gaussian", "uniform", "rademacher", "blobs"];

    /// <summary>The name of the set of <see cref="CutTextures"/>.</summary>
    public const string Textures = "textures";

    /// <summary>
    /// Cuts squares of a quarter of the side from the middle half of the embedded photographs (fabric, wood, skin, floors), too small to
    /// show an object, and enlarges them: natural statistics without content, which noise lacks.
    /// </summary>
    /// <param name="like">The set whose channels, rows and columns the images have.</param>
    /// <param name="count">Number of images; the photographs are used in turn.</param>
    /// <param name="seeds">Randomness of the places.</param>
    /// <exception cref="InputException">The images of <paramref name="like"/> are grey.</exception>
    public static Dataset CutTextures(Dataset like, int count, SeedStream seeds)
    {
        var photographs = Clothing.Open(new DataOptions { ImageSize = Patches.PictureSide }).Test;
        return new Resized(new Patches(photographs, count, seeds), like.Height, like.Width, like.Channels);
    }

    /// <summary>Generates a set with the image shape of another.</summary>
    /// <param name="id">One of <see cref="Drawn"/>.</param>
    /// <param name="like">The set whose channels, rows and columns the images have.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="seeds">Randomness.</param>
    /// <exception cref="InputException">No set has that name.</exception>
    public static Dataset Draw(string id, Dataset like, int count, SeedStream seeds) => new DrawnSet(like, count, seeds, id, id switch
    {
        "gaussian" => Gaussian,
        "uniform" => Uniform,
        "rademacher" => Rademacher,
        "blobs" => Blobs,
        _ => throw InputException.Unknown("out-of-distribution set", id, [.. Drawn]),
    });

    private delegate void Painter(Draws draws, int channels, int height, int width, Span<double> pixels);

    /// <summary>clip(N(0, 1) + 0.5, 0, 1) per value.</summary>
    private static void Gaussian(Draws draws, int channels, int height, int width, Span<double> pixels)
    {
        foreach (ref var pixel in pixels)
            pixel = draws.Normal() + 0.5;
    }

    /// <summary>U(0, 1) per value.</summary>
    private static void Uniform(Draws draws, int channels, int height, int width, Span<double> pixels)
    {
        foreach (ref var pixel in pixels)
            pixel = draws.Uniform();
    }

    /// <summary>0 or 1 with equal probability, per value.</summary>
    private static void Rademacher(Draws draws, int channels, int height, int width, Span<double> pixels)
    {
        foreach (ref var pixel in pixels)
            pixel = draws.Bernoulli(0.5) ? 1 : 0;
    }

    /// <summary>
    /// 1 with probability 0.7, otherwise 0, per value; blurred by a Gaussian of σ 1.5 in the plane; values below 0.75 set to 0.
    /// </summary>
    /// <remarks>Differs from the public code, which also blurs across the channels, because scipy's filter covers all axes.</remarks>
    private static void Blobs(Draws draws, int channels, int height, int width, Span<double> pixels)
    {
        const double sigma = 1.5;
        const int radius = (int)(4 * sigma + 0.5);      // scipy's truncation
        Rademacher(draws, pixels);
        var kernel = Enumerable.Range(-radius, 2 * radius + 1).Select(i => Math.Exp(-i * i / (2 * sigma * sigma))).ToArray();
        var sum = kernel.Sum();
        var rows = new double[height * width];
        for (var channel = 0; channel < channels; channel++)
        {
            var plane = pixels.Slice(channel * height * width, height * width);
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    rows[y * width + x] = 0;
                    for (var i = -radius; i <= radius; i++)
                        rows[y * width + x] += kernel[i + radius] / sum * plane[Math.Clamp(y + i, 0, height - 1) * width + x];
                }
            }
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    var value = 0.0;
                    for (var i = -radius; i <= radius; i++)
                        value += kernel[i + radius] / sum * rows[y * width + Math.Clamp(x + i, 0, width - 1)];
                    plane[y * width + x] = value < 0.75 ? 0 : value;
                }
            }
        }

        static void Rademacher(Draws draws, Span<double> pixels)
        {
            foreach (ref var pixel in pixels)
                pixel = draws.Bernoulli(0.7) ? 1 : 0;
        }
    }

    private sealed class Patches(Dataset photographs, int count, SeedStream seeds) : DatasetView(photographs, samePixels: false)
    {
        public const int PictureSide = 64;
        private const int Side = PictureSide / 4;

        public override int Count => count;

        public override int Height => Side;

        public override int Width => Side;

        public override IReadOnlyList<string> ClassNames { get; } = [Textures];

        public override int Label(int index) => 0;

        protected override int WholeIndex(int index) => index % Whole.Count;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var picture = base.Read(index, new byte[Whole.ImageBytes]);
            var draws = seeds.Open("out textures", 0, index);
            var (top, left) = (Place(draws), Place(draws));
            for (var row = 0; row < Channels * Side; row++)
            {
                var (channel, y) = Math.DivRem(row, Side);
                picture.Slice((channel * PictureSide + top + y) * PictureSide + left, Side).CopyTo(scratch[(row * Side)..]);
            }
            return scratch[..ImageBytes];
        }

        private static int Place(Draws draws) => PictureSide / 4 + draws.Integer(PictureSide / 2 - Side + 1);
    }

    private sealed class DrawnSet(Dataset like, int count, SeedStream seeds, string id, Painter paint)
        : DatasetView(like, samePixels: false)
    {
        public override int Count => count;

        public override IReadOnlyList<string> ClassNames { get; } = [id];

        public override int Label(int index) => 0;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var pixels = new double[ImageBytes];
            paint(seeds.Open($"out {id}", 0, index), Channels, Height, Width, pixels);
            for (var i = 0; i < pixels.Length; i++)
                scratch[i] = (byte)Math.Round(255 * Math.Clamp(pixels[i], 0, 1));
            return scratch[..ImageBytes];
        }
    }
}
