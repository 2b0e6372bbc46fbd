using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>fog</c>: a plasma fractal of white over the image, (x + c · plasma) · max / (max + c), where max is the image's largest value.
/// </summary>
/// <remarks>
/// The algorithm is the published one; its random draws come from another generator. Images larger than 32 pixels get a larger plasma with
/// the same constants.
/// </remarks>
public sealed record Fog : Corruption
{
    private static readonly (double Amount, double Decay)[] Constants = [(0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75)];

    /// <inheritdoc/>
    public override string Id => "fog";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var (amount, decay) = Constants[severity - 1];
        var side = Plasma.SideFor(x.Height, x.Width);
        var plasma = Plasma.Of(side, decay, draws.Uniform);
        var largest = x.Values.Max();
        for (var channel = 0; channel < 3; channel++)
        {
            var values = x.Channel(channel);
            for (var row = 0; row < x.Height; row++)
            {
                var line = values.Slice(row * x.Width, x.Width);
                var white = plasma.AsSpan(row * side, x.Width);
                for (var column = 0; column < line.Length; column++)
                    line[column] = (line[column] + amount * white[column]) * largest / (largest + amount);
            }
        }
    }
}

/// <summary><c>snow</c>: wind-driven flakes, and the same flakes rotated by 180°, over a paler image.</summary>
/// <remarks>Differs from the paper: its flakes are blurred by ImageMagick; see <see cref="MotionBlur"/>.</remarks>
public sealed record Snow : Corruption
{
    private static readonly (double Mean, double Deviation, double Zoom, double Threshold, int Radius, double Sigma,
        double Mix)[] Constants =
        [(0.1, 0.2, 1, 0.6, 8, 3, 0.95), (0.1, 0.2, 1, 0.5, 10, 4, 0.9), (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
            (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85), (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8)];

    /// <inheritdoc/>
    public override string Id => "snow";

    internal override void Corrupt(Planes x, int severity, Draws draws) =>
        Fall(x, severity, GaussianNoise.Normals(draws, x.Area), draws.Uniform(-135, -45));

    /// <summary>Adds snow from standard normal <paramref name="z"/>, one per pixel, and the wind's angle in degrees.</summary>
    internal static void Fall(Planes x, int severity, double[] z, double angle)
    {
        var one = Constants[severity - 1];
        for (var i = 0; i < z.Length; i++)
            z[i] = one.Mean + one.Deviation * z[i];
        var layer = new double[z.Length];
        new ClippedZoom(x.Height, x.Width, one.Zoom).Add(z, layer);
        foreach (ref var value in layer.AsSpan())
            value = value < one.Threshold ? 0 : (byte)(Math.Min(value, 1) * 255) / 255.0;
        MotionBlur.Move(layer, x.Height, x.Width, one.Radius, one.Sigma, angle);
        var red = x.Channel(0);
        var green = x.Channel(1);
        var blue = x.Channel(2);
        for (var i = 0; i < layer.Length; i++)
        {
            var pale = 1.5 * (0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i]) + 0.5;
            var flakes = layer[i] + layer[layer.Length - 1 - i];      // and rotated by 180°
            red[i] = Under(red[i]);
            green[i] = Under(green[i]);
            blue[i] = Under(blue[i]);

            double Under(double value) => one.Mix * value + (1 - one.Mix) * Math.Max(value, pale) + flakes;
        }
    }
}

/// <summary><c>frost</c>: a · x + b · ice.</summary>
/// <remarks>
/// Differs from the paper: its ice is cropped from five photographs that we may not redistribute. Ours is drawn: crystals of six arms with
/// branches at 60°, one for every 120 pixels, on a haze of plasma, in a bluish white. The results are not comparable with the published
/// set.
/// </remarks>
public sealed record Frost : Corruption
{
    private static readonly (double Image, double Ice)[] Constants = [(1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45)];
    private static readonly double[] Tint = [0.82, 0.92, 1];

    /// <inheritdoc/>
    public override string Id => "frost";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var ice = Ice(x.Height, x.Width, draws);
        var (image, share) = Constants[severity - 1];
        for (var channel = 0; channel < 3; channel++)
        {
            var values = x.Channel(channel);
            for (var i = 0; i < values.Length; i++)
                values[i] = image * values[i] + share * Tint[channel] * ice[i];
        }
    }

    // Brightness in [0, 1], one value per pixel.
    private static double[] Ice(int height, int width, Draws draws)
    {
        const double pixelsACrystal = 120, shortest = 4, longest = 11, beyond = 3;
        var crystals = new double[height * width];
        for (var left = (int)Math.Ceiling(height * width / pixelsACrystal); left > 0; left--)
        {
            var (y, x, turn, reach) = (draws.Uniform(-beyond, height + beyond), draws.Uniform(-beyond, width + beyond),
                draws.Uniform(0, Math.PI / 3), draws.Uniform(shortest, longest));
            for (var arm = 0; arm < 6; arm++)
            {
                var angle = turn + arm * Math.PI / 3;
                Needle(y, x, angle, reach);
                for (var at = 1.5; at < reach; at += 2)
                {
                    foreach (var side in (double[])[angle - Math.PI / 3, angle + Math.PI / 3])
                        Needle(y + at * Math.Sin(angle), x + at * Math.Cos(angle), side, (reach - at) / 2);
                }
            }
        }
        var mapSide = Plasma.SideFor(height, width);
        var haze = Plasma.Of(mapSide, decay: 2, draws.Uniform);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                crystals[y * width + x] = 0.25 + 0.35 * haze[y * mapSide + x] + 0.4 * crystals[y * width + x];
        }
        return crystals;

        // Draws a line that fades towards its end.
        void Needle(double y, double x, double angle, double length)
        {
            const double step = 0.5;
            var (sine, cosine) = Math.SinCos(angle);
            for (var at = 0.0; at < length; at += step)
            {
                var (row, column) = ((int)Math.Floor(y + at * sine), (int)Math.Floor(x + at * cosine));
                if ((uint)row >= (uint)height || (uint)column >= (uint)width)
                    continue;
                ref var brightness = ref crystals[row * width + column];
                brightness = Math.Max(brightness, 1 - 0.6 * at / length);
            }
        }
    }
}

/// <summary>The diamond-square algorithm on a torus (make_cifar_c.py, <c>plasma_fractal</c>): clouds with values between 0 and 1.</summary>
internal static class Plasma
{
    private const int PublishedSide = 32;

    /// <summary>The smallest power of two that covers an image, at least 32.</summary>
    public static int SideFor(int height, int width) =>
        (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(PublishedSide, Math.Max(height, width)));

    /// <summary>Returns side × side values, row by row.</summary>
    /// <param name="side">A power of two.</param>
    /// <param name="decay">Divisor of the random part from one level to the next.</param>
    /// <param name="uniform">
    /// Draws uniformly between two bounds; called level by level, for the squares' centres and then for the two kinds of diamonds, each row
    /// by row.
    /// </param>
    public static double[] Of(int side, double decay, Func<double, double, double> uniform)
    {
        var map = new double[side * side];
        var wobble = 100.0;
        for (var step = side; step >= 2; step /= 2, wobble /= decay)
        {
            var half = step / 2;
            for (var y = 0; y < side; y += step)
            {
                for (var x = 0; x < side; x += step)
                    Set(y + half, x + half, At(y, x) + At(y + step, x) + At(y, x + step) + At(y + step, x + step));
            }
            for (var y = 0; y < side; y += step)
            {
                for (var x = 0; x < side; x += step)
                    Set(y, x + half, At(y + half, x + half) + At(y - half, x + half) + At(y, x) + At(y, x + step));
            }
            for (var y = 0; y < side; y += step)
            {
                for (var x = 0; x < side; x += step)
                    Set(y + half, x, At(y + half, x + half) + At(y + half, x - half) + At(y, x) + At(y + step, x));
            }
        }
        var (least, most) = (map.Min(), map.Max());
        foreach (ref var value in map.AsSpan())
            value = (value - least) / (most - least);
        return map;

        double At(int y, int x) => map[(y & side - 1) * side + (x & side - 1)];

        // The random part is scaled by w twice, w · U(-w, w), as in the published code.
        void Set(int y, int x, double sum) => map[(y & side - 1) * side + (x & side - 1)] = sum / 4 + wobble * uniform(-wobble, wobble);
    }
}
