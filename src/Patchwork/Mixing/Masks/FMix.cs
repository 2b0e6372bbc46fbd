using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// FMix (Harris et al., "FMix: Enhancing Mixed Sample Data Augmentation", arXiv 2002.12047): M is 1 on the λ·n brightest
/// pixels of low-frequency noise, whose spectrum is Gaussian and divided by f^decay; λ ~ Beta(α, α) as drawn is the label's weight.
/// </summary>
public sealed record FMix : BlindMixer
{
    /// <summary>Power of the frequency that the spectrum is divided by. Range: 0 or more. Default 3.</summary>
    public double Decay
    {
        get;
        init => field = value >= 0 && double.IsFinite(value) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"decay must be 0 or more. Received: decay = {value}."));
    } = 3;

    /// <summary>
    /// Width of a soft edge: the share of the pixels on each side of the threshold over which the weight falls from 1 to 0, at most
    /// min(λ, 1-λ). Range [0, 0.5]. Default 0: a hard edge.
    /// </summary>
    public double MaxSoft
    {
        get;
        init => field = value is >= 0 and <= 0.5 ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                FormattableString.Invariant($"max soft must lie in [0, 0.5]. Received: {value}."));
    }

    /// <summary>The spectrum of the noise. Default <see cref="FMixSpectrum.Full"/>, as in the paper.</summary>
    public FMixSpectrum Spectrum { get; init; } = FMixSpectrum.Full;

    /// <inheritdoc/>
    public override string Id => "fmix";

    /// <inheritdoc/>
    public override bool LabelsByArea => false;      // labels use λ as drawn

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var lambda = draws.Beta(alpha, alpha);
        var noise = Noise(context.Height, context.Width, draws);
        return new DrawnRegion(new MaskRegion(Brightest(noise, lambda, draws.Bernoulli(0.5))), lambda, lambda);
    }

    // Sets the λ·n brightest pixels to 1; λ·n is rounded up or down at random.
    private float[] Brightest(float[] noise, double lambda, bool up)
    {
        var count = (int)(up ? Math.Ceiling(lambda * noise.Length) : Math.Floor(lambda * noise.Length));
        var soft = (int)(noise.Length * Math.Min(MaxSoft, Math.Min(lambda, 1 - lambda)));
        var (low, high) = (Math.Max(count - soft, 0), Math.Min(count + soft, noise.Length));
        var order = Enumerable.Range(0, noise.Length).ToArray();
        Array.Sort(noise.Select(value => -value).ToArray(), order);
        var weights = new float[noise.Length];
        for (var i = 0; i < high; i++)
            weights[order[i]] = i < low ? 1 : 1 - (i - low) / (float)Math.Max(high - low - 1, 1);
        return weights;
    }

    private float[] Noise(int height, int width, Draws draws)
    {
        using var scope = NewDisposeScope();
        var (rows, columns) = (height, width / 2 + 1);
        var (real, imaginary) = (new double[rows * columns], new double[rows * columns]);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var (fy, fx) = ((row <= (height - 1) / 2 ? row : row - height) / (double)height, column / (double)width);
                var scale = Math.Pow(Math.Max(Math.Sqrt(fy * fy + fx * fx), 1.0 / Math.Max(height, width)), -Decay);
                (real[row * columns + column], imaginary[row * columns + column]) = (scale * draws.Normal(), scale * draws.Normal());
            }
        }
        if (Spectrum == FMixSpectrum.Reference)
            (real, imaginary) = TwoRows(real, imaginary, rows, columns);
        var spectrum = complex(tensor(real, [rows, columns]), tensor(imaginary, [rows, columns]));
        return fft.irfft2(spectrum, [height, width]).to(ScalarType.Float32).contiguous().data<float>().ToArray();
    }

    // The reference indexes the frequency axis where the real and imaginary parts were meant, so it transforms the first two rows as the
    // real and imaginary parts of a spectrum with two columns; all other columns are 0.
    private static (double[], double[]) TwoRows(double[] real, double[] imaginary, int rows, int columns)
    {
        var (first, second) = (new double[rows * columns], new double[rows * columns]);
        for (var k = 0; k < Math.Min(rows, columns); k++)
        {
            for (var part = 0; part < Math.Min(2, columns); part++)
            {
                var source = part == 0 ? real : imaginary;
                first[k * columns + part] = source[k];
                second[k * columns + part] = rows > 1 ? source[columns + k] : 0;
            }
        }
        return (first, second);
    }
}

/// <summary>The spectrum from which FMix makes its noise.</summary>
public enum FMixSpectrum
{
    /// <summary>All frequencies, one complex number each.</summary>
    Full,

    /// <summary>
    /// Two rows of the spectrum, which is what the authors' code transforms because of an indexing error. Masks are smoother and striped.
    /// </summary>
    Reference,
}
