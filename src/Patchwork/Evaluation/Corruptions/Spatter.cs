using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary><c>spatter</c> (extra): drops of water on the lens (severities 1 to 3), or of mud (4 and 5).</summary>
/// <remarks>
/// Differs from the paper: OpenCV's steps are reimplemented (<see cref="Relief"/>) and were not compared with its output.
/// </remarks>
public sealed record Spatter : Corruption
{
    private static readonly (double Mean, double Deviation, double Blur, double Threshold, double Mix, bool Mud)[] Constants =
        [(0.62, 0.1, 0.7, 0.7, 0.5, false), (0.65, 0.1, 0.8, 0.7, 0.5, false), (0.65, 0.3, 1, 0.69, 0.5, false),
            (0.65, 0.1, 0.7, 0.69, 0.6, true), (0.65, 0.1, 0.5, 0.68, 0.6, true)];

    private static readonly double[] WaterColour = [175 / 255.0, 238 / 255.0, 238 / 255.0], MudColour =
        [63 / 255.0, 42 / 255.0, 20 / 255.0];

    /// <inheritdoc/>
    public override string Id => "spatter";

    /// <inheritdoc/>
    public override bool Main => false;

    internal override void Corrupt(Planes x, int severity, Draws draws) => Throw(x, severity, GaussianNoise.Normals(draws, x.Area));

    /// <summary>Adds drops of liquid from standard normal <paramref name="z"/>, one per pixel.</summary>
    internal static void Throw(Planes x, int severity, double[] z)
    {
        var one = Constants[severity - 1];
        var liquid = z;
        for (var i = 0; i < z.Length; i++)
            liquid[i] = one.Mean + one.Deviation * z[i];
        Convolution.Separable(liquid, x.Height, x.Width, Convolution.Gaussian(one.Blur), Border.Nearest);
        if (one.Mud)
            Mud(x, liquid, one.Threshold, one.Mix);
        else
            Water(x, liquid, one.Threshold, one.Mix);
    }

    private static void Mud(Planes x, double[] liquid, double threshold, double sigma)
    {
        foreach (ref var value in liquid.AsSpan())
            value = value > threshold ? 1 : 0;
        Convolution.Separable(liquid, x.Height, x.Width, Convolution.Gaussian(sigma), Border.Nearest);
        for (var i = 0; i < x.Values.Length; i++)
        {
            var mask = liquid[i % x.Area] < 0.8 ? 0 : liquid[i % x.Area];
            x.Values[i] = x.Values[i] * (1 - mask) + MudColour[i / x.Area] * mask;
        }
    }

    private static void Water(Planes x, double[] liquid, double threshold, double mix)
    {
        var drops = new byte[liquid.Length];
        for (var i = 0; i < drops.Length; i++)
            drops[i] = liquid[i] < threshold ? (byte)0 : (byte)(Math.Min(liquid[i], 1) * 255);
        var relief = Relief.Of(drops, x.Height, x.Width);
        var mask = new double[drops.Length];
        for (var i = 0; i < mask.Length; i++)
            mask[i] = drops[i] * (double)relief[i];
        // If there is no drop, the published code divides by zero; here the image is left unchanged.
        if (mask.Max() is var largest and > 0)
        {
            for (var i = 0; i < x.Values.Length; i++)
                x.Values[i] += mask[i % x.Area] / largest * mix * WaterColour[i / x.Area];
        }
    }
}
