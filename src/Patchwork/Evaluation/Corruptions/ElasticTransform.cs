using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary><c>elastic_transform</c>: an affine map, then smooth random displacements.</summary>
/// <remarks>
/// The affine map is defined by three points around the centre, each a third of the shorter side away along both axes, with every
/// coordinate displaced by U(-a, a). It is interpolated at 1/32 pixel, as in OpenCV. Differs from the paper: reimplemented from OpenCV and
/// SciPy, and not compared with their output.
/// </remarks>
public sealed record ElasticTransform : Corruption
{
    // In pixels of a 32×32 image: displacement, its smoothing, and the displacement of the affine map's points.
    private static readonly (double Alpha, double Sigma, double Affine)[] Constants =
        [(0, 0, 32 * 0.08), (32 * 0.05, 32 * 0.2, 32 * 0.07), (32 * 0.08, 32 * 0.06, 32 * 0.06), (32 * 0.1, 32 * 0.04, 32 * 0.05),
            (32 * 0.1, 32 * 0.03, 32 * 0.03)];

    /// <inheritdoc/>
    public override string Id => "elastic_transform";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var jitter = Uniforms(6, Constants[severity - 1].Affine);
        var (across, down) = (Uniforms(x.Area, 1), Uniforms(x.Area, 1));
        Warp(x, Affine(x.Height, x.Width, jitter));
        Displace(x, severity, across, down);

        double[] Uniforms(int count, double end)
        {
            var values = new double[count];
            foreach (ref var value in values.AsSpan())
                value = draws.Uniform(-end, end);
            return values;
        }
    }

    /// <summary>
    /// Returns the map from positions (x, y) in the result to positions in the source: x' = m0·x + m1·y + m2, y' = m3·x + m4·y + m5.
    /// </summary>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <param name="jitter">How far the three points move: x, y, x, y, x, y.</param>
    internal static double[] Affine(int height, int width, ReadOnlySpan<double> jitter)
    {
        var (right, bottom, step) = (width / 2, height / 2, Math.Min(height, width) / 3);
        ReadOnlySpan<double> from = [right + step, bottom + step, right + step, bottom - step, right - step, bottom - step];
        Span<double> to = stackalloc double[6];
        for (var i = 0; i < 6; i++)
            to[i] = (float)(from[i] + (float)jitter[i]);      // in single precision, as published
        // The inverse map moves the points back; it is solved from the differences to the middle point.
        var (ax, ay, bx, by) = (to[0] - to[2], to[1] - to[3], to[4] - to[2], to[5] - to[3]);
        var determinant = ax * by - ay * bx;
        if (determinant == 0)
            return [1, 0, 0, 0, 1, 0];      // the points are on one line
        var map = new double[6];
        for (var axis = 0; axis < 2; axis++)
        {
            var (a, b) = (from[axis] - from[2 + axis], from[4 + axis] - from[2 + axis]);
            map[3 * axis] = (a * by - b * ay) / determinant;
            map[3 * axis + 1] = (b * ax - a * bx) / determinant;
            map[3 * axis + 2] = from[2 + axis] - map[3 * axis] * to[2] - map[3 * axis + 1] * to[3];
        }
        return map;
    }

    /// <summary>
    /// Reads every pixel at the position that the map gives, rounded to 1/32 pixel, with linear interpolation and a mirrored border.
    /// </summary>
    internal static void Warp(Planes x, ReadOnlySpan<double> map)
    {
        const int scale = 1024, half = 16;      // OpenCV's fixed point: 10 bits, of which 5 are kept
        var source = (double[])x.Values.Clone();
        for (var i = 0; i < x.Area; i++)
        {
            var (row, column) = (i / x.Width, i % x.Width);
            var right = (int)Math.Round((map[1] * row + map[2]) * scale) + half + (int)Math.Round(map[0] * column * scale) >> 5;
            var down = (int)Math.Round((map[4] * row + map[5]) * scale) + half + (int)Math.Round(map[3] * column * scale) >> 5;
            Interpolate(x, source, i, down >> 5, right >> 5, (down & 31) / 32.0, (right & 31) / 32.0, Border.Mirror);
        }
    }

    /// <summary>Displaces pixels by α times smoothed uniform values from (-1, 1), one per pixel and axis.</summary>
    internal static void Displace(Planes x, int severity, double[] across, double[] down)
    {
        var (alpha, sigma, _) = Constants[severity - 1];
        if (alpha == 0)
            return;
        var kernel = Convolution.Gaussian(sigma, truncate: 3);
        Convolution.Separable(across, x.Height, x.Width, kernel, Border.Reflect);
        Convolution.Separable(down, x.Height, x.Width, kernel, Border.Reflect);
        var source = (double[])x.Values.Clone();
        for (var i = 0; i < x.Area; i++)
        {
            var (y, place) = (i / x.Width + (float)(down[i] * alpha), i % x.Width + (float)(across[i] * alpha));
            var (top, left) = ((int)Math.Floor(y), (int)Math.Floor(place));
            Interpolate(x, source, i, top, left, y - top, place - left, Border.Reflect);
        }
    }

    private static void Interpolate(Planes x, double[] source, int i, int top, int left, double down, double right, Border border)
    {
        var (upper, lower) = (Convolution.At(top, x.Height, border) * x.Width, Convolution.At(top + 1, x.Height, border) * x.Width);
        var (first, second) = (Convolution.At(left, x.Width, border), Convolution.At(left + 1, x.Width, border));
        for (var start = 0; start < source.Length; start += x.Area)
        {
            var above = (1 - right) * source[start + upper + first] + right * source[start + upper + second];
            var below = (1 - right) * source[start + lower + first] + right * source[start + lower + second];
            x.Values[start + i] = (1 - down) * above + down * below;
        }
    }
}
