using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>
/// A common corruption of CIFAR-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
/// Perturbations", ICLR 2019), at five severities, with the constants of the authors' <c>make_cifar_c.py</c>.
/// </summary>
/// <remarks>
/// The constants were chosen for 32×32 pixels and are used as published for every size, so on larger images the blurs are weaker relative
/// to the content. Kinds that differ because the original needs another image library or photographs say so in their remarks; sets that are
/// corrupted here are not comparable with the published files.
/// </remarks>
public abstract record Corruption
{
    /// <summary>Severities of each kind: 1 to 5.</summary>
    public const int Severities = 5;

    private protected Corruption() { }

    /// <summary>All kinds: the 15 that the mean is taken over, in the order of the publication, then the four extra ones.</summary>
    public static IReadOnlyList<Corruption> All { get; } =
    [
        new GaussianNoise(),
        new ShotNoise(),
        new ImpulseNoise(),
        new DefocusBlur(),
        new GlassBlur(),
        new MotionBlur(),
        new ZoomBlur(),
        new Snow(),
        new Frost(),
        new Fog(),
        new Brightness(),
        new Contrast(),
        new ElasticTransform(),
        new Pixelate(),
        new JpegCompression(),
        new SpeckleNoise(),
        new GaussianBlur(),
        new Spatter(),
        new Saturate(),
    ];

    /// <summary>The published name, which is also that of its file.</summary>
    public abstract string Id { get; }

    /// <summary>True for the 15 kinds that the mean corruption error is taken over, false for the extra ones.</summary>
    public virtual bool Main => true;

    /// <summary>Corrupts one image. The same draws give the same image. Thread-safe.</summary>
    /// <param name="image">3 · height · width bytes, planar (channel, row, column), as <see cref="Dataset.Read"/> gives them.</param>
    /// <param name="height">Rows. Range: at least 1.</param>
    /// <param name="width">Columns. Range: at least 1.</param>
    /// <param name="severity">Range: 1 to 5.</param>
    /// <param name="draws">Randomness.</param>
    /// <param name="output">
    /// Receives the result, of the same length; may be <paramref name="image"/>. Values are clipped and truncated, as published, not
    /// rounded.
    /// </param>
    /// <exception cref="ArgumentException">A size does not match, or the severity is out of range.</exception>
    public void Apply(ReadOnlySpan<byte> image, int height, int width, int severity, Draws draws, Span<byte> output)
    {
        if (severity is < 1 or > Severities)
            throw new ArgumentOutOfRangeException(nameof(severity), $"A severity must be from 1 to {Severities}. Received: {severity}.");
        if (height < 1 || width < 1 || image.Length != 3L * height * width || output.Length != image.Length)
            throw new ArgumentException($"A corruption needs an image of 3 planes of height × width bytes, and a buffer of the same size "
                + $"for the result. Received: {height}×{width}, {image.Length} and {output.Length} bytes.", nameof(image));
        var x = Planes.Of(image, height, width);
        Corrupt(x, severity, draws);
        x.Truncate(output);
    }

    /// <summary>
    /// Returns a set whose images are corrupted when they are read; image i uses the random stream (<c>corruption ID</c>, severity, i).
    /// </summary>
    /// <param name="images">The set. Grey images are corrupted as RGB with equal channels, and the luma of the result is used.</param>
    /// <param name="severity">Range: 1 to 5.</param>
    /// <param name="seeds">Randomness.</param>
    public Dataset Of(Dataset images, int severity, SeedStream seeds) =>
        severity is >= 1 and <= Severities ? new CorruptedSet(images, this, severity, seeds)
        : throw new ArgumentOutOfRangeException(nameof(severity), $"A severity must be from 1 to {Severities}. Received: {severity}.");

    /// <summary>Changes values in [0, 1]; values that leave the range are clipped afterwards.</summary>
    internal abstract void Corrupt(Planes x, int severity, Draws draws);
}
