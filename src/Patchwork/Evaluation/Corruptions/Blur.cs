using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary><c>gaussian_blur</c> (extra): a Gaussian filter of each channel, σ in pixels.</summary>
public sealed record GaussianBlur : Corruption
{
    private static readonly double[][] Kernels = [.. new[] { 0.4, 0.6, 0.7, 0.8, 1 }.Select(sigma => Convolution.Gaussian(sigma))];

    /// <inheritdoc/>
    public override string Id => "gaussian_blur";

    /// <inheritdoc/>
    public override bool Main => false;

    internal override void Corrupt(Planes x, int severity, Draws draws) => Filter(x, Kernels[severity - 1]);

    internal static void Filter(Planes x, ReadOnlySpan<double> kernel)
    {
        for (var channel = 0; channel < 3; channel++)
            Convolution.Separable(x.Channel(channel), x.Height, x.Width, kernel, Border.Nearest);
    }
}

/// <summary><c>glass_blur</c>: pixels are displaced by one between two Gaussian filters.</summary>
/// <remarks>
/// The published code intends to swap two pixels, but uses NumPy views, so the neighbour is copied over the pixel and nothing is copied
/// back. The published images were made that way, and so are ours.
/// </remarks>
public sealed record GlassBlur : Corruption
{
    // The displacement is one pixel at all severities.
    private static readonly (double Sigma, int Iterations)[] Constants = [(0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2)];

    /// <inheritdoc/>
    public override string Id => "glass_blur";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var (_, iterations) = Constants[severity - 1];
        var steps = new int[2 * iterations * Math.Max(0, x.Height - 2) * Math.Max(0, x.Width - 2)];
        foreach (ref var step in steps.AsSpan())
            step = -draws.Integer(2);
        Displace(x, severity, steps);
    }

    /// <summary>
    /// Displaces by steps of -1 or 0, (dx, dy) for each pixel from the last one back to row and column 2, once per iteration.
    /// </summary>
    internal static void Displace(Planes x, int severity, ReadOnlySpan<int> steps)
    {
        var kernel = Convolution.Gaussian(Constants[severity - 1].Sigma);
        GaussianBlur.Filter(x, kernel);
        foreach (ref var value in x.Values.AsSpan())
            value = (byte)(value * 255) / 255.0;
        var next = 0;
        while (next < steps.Length)
        {
            for (var row = x.Height - 1; row > 1; row--)
            {
                for (var column = x.Width - 1; column > 1; column--)
                {
                    var (dx, dy) = (steps[next++], steps[next++]);
                    for (var channel = 0; channel < 3; channel++)
                        x.Channel(channel)[row * x.Width + column] = x.Channel(channel)[(row + dy) * x.Width + column + dx];
                }
            }
        }
        GaussianBlur.Filter(x, kernel);
    }
}

/// <summary><c>defocus_blur</c>: convolution with a small smoothed disk.</summary>
public sealed record DefocusBlur : Corruption
{
    // The published grid has 17×17 values; outside the smoothed disk they are 0.
    private const int Side = 17;

    private static readonly double[][] Kernels =
        [.. new[] { (0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1) }.Select(one => Kernel(one.Item1, one.Item2))];

    /// <inheritdoc/>
    public override string Id => "defocus_blur";

    /// <summary>The kernel of a severity, 17×17, row by row.</summary>
    internal static IReadOnlyList<double> KernelOf(int severity) => Kernels[severity - 1];

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        for (var channel = 0; channel < 3; channel++)
            Convolution.Square(x.Channel(channel), x.Height, x.Width, Kernels[severity - 1], Side, Border.Mirror);
    }

    // Single precision, as published.
    private static double[] Kernel(double radius, double sigma)
    {
        var disk = new double[Side * Side];
        for (var i = 0; i < disk.Length; i++)
            disk[i] = Square(i / Side - Side / 2) + Square(i % Side - Side / 2) <= radius * radius ? 1 : 0;
        var sum = disk.Sum();
        var beside = Math.Exp(-0.5 / (sigma * sigma));
        Convolution.Separable(disk, Side, Side, [beside / (1 + 2 * beside), 1 / (1 + 2 * beside), beside / (1 + 2 * beside)],
            Border.Mirror);
        return [.. disk.Select(weight => (double)(float)(weight / sum))];

        static int Square(int value) => value * value;
    }
}

/// <summary><c>motion_blur</c>: camera motion along a line, at an angle drawn from U(-45°, 45°).</summary>
public sealed record MotionBlur : Corruption
{
    private static readonly (int Radius, double Sigma)[] Constants = [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)];

    /// <inheritdoc/>
    public override string Id => "motion_blur";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var angle = draws.Uniform(-45, 45);
        for (var channel = 0; channel < 3; channel++)
            Move(x.Channel(channel), x.Height, x.Width, Constants[severity - 1].Radius, Constants[severity - 1].Sigma, angle);
    }

    /// <summary>Blurs a plane whose values are multiples of 1/255; the result has such values too.</summary>
    /// <remarks>
    /// ImageMagick's kernel: one-sided, 2 · radius + 1 taps of exp(-i²/2σ²) at whole pixels along the line, with the outermost pixel
    /// repeated and the result rounded to a byte. Differs from the paper: the kernel is reimplemented from knowledge of ImageMagick and was
    /// not compared with the library's output.
    /// </remarks>
    internal static void Move(Span<double> plane, int height, int width, int radius, double sigma, double degrees)
    {
        var weights = Enumerable.Range(0, 2 * radius + 1).Select(i => Math.Exp(-i * i / (2 * sigma * sigma))).ToArray();
        var sum = weights.Sum();
        var (sine, cosine) = Math.SinCos(degrees * Math.PI / 180);
        var source = plane.ToArray();
        plane.Clear();
        var columns = new int[width];
        for (var tap = 0; tap < weights.Length; tap++)
        {
            var (down, right) = ((int)Math.Ceiling(tap * sine - 0.5), (int)Math.Ceiling(tap * cosine - 0.5));
            for (var column = 0; column < width; column++)
                columns[column] = Math.Clamp(column + right, 0, width - 1);
            for (var row = 0; row < height; row++)
            {
                var from = source.AsSpan(Math.Clamp(row + down, 0, height - 1) * width, width);
                var to = plane.Slice(row * width, width);
                for (var column = 0; column < width; column++)
                    to[column] += weights[tap] / sum * from[columns[column]];
            }
        }
        foreach (ref var value in plane)
            value = Math.Round(value * 255) / 255;
    }
}

/// <summary><c>zoom_blur</c>: the mean of the image and of its enlargements about the centre.</summary>
public sealed record ZoomBlur : Corruption
{
    // Number of zoom factors, from 1 in steps of 0.01. The published ranges, nominally up to but excluding 1.06 … 1.26, contain this many
    // factors after float rounding.
    private static readonly int[] Factors = [7, 12, 16, 21, 26];

    /// <inheritdoc/>
    public override string Id => "zoom_blur";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var count = Factors[severity - 1];
        var sum = (double[])x.Values.Clone();
        for (var factor = 0; factor < count; factor++)
        {
            var zoom = new ClippedZoom(x.Height, x.Width, 1 + factor * (1.01 - 1));
            for (var channel = 0; channel < 3; channel++)
                zoom.Add(x.Channel(channel), sum.AsSpan(channel * x.Area, x.Area));
        }
        for (var i = 0; i < sum.Length; i++)
            x.Values[i] = sum[i] / (count + 1);
    }
}
