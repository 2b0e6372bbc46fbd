namespace Patchwork;

/// <summary>
/// Classifies images with a trained run (<c>Predictor</c>, with torch) or an exported file (<c>OnnxClassifier</c>, without torch), through
/// the same methods. Images are decoded, turned upright, cropped and resized by the code that training used. Thread-safe: one instance
/// serves a whole program.
/// </summary>
public abstract class PictureClassifier : IDisposable
{
    private readonly ClassifierOptions options;

    private protected PictureClassifier(ClassifierOptions options) => this.options = options;

    /// <summary>Names of the classes, in the order of the probabilities.</summary>
    public abstract IReadOnlyList<string> Classes { get; }

    /// <summary>Classifies an image file.</summary>
    /// <param name="path">A PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="InputException">The file cannot be read, is not an image, is damaged, or is too large.</exception>
    public Classification Classify(string path, CancellationToken cancellation = default) =>
        Run([input => input.Decode(path, options.LargestPixels)], cancellation)[0];

    /// <summary>Classifies an image in memory.</summary>
    /// <param name="file">The bytes of a PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="InputException">The bytes are not an image, are damaged, or are of an image that is too large.</exception>
    public Classification Classify(byte[] file, CancellationToken cancellation = default) =>
        Run([input => input.Decode(file, options.LargestPixels)], cancellation)[0];

    /// <summary>Classifies an image from a stream, which is read from its current position to its end.</summary>
    /// <param name="file">A PNG, JPEG, WebP, BMP or GIF file; the stream stays open.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="InputException">As for an image in memory.</exception>
    public Classification Classify(Stream file, CancellationToken cancellation = default)
    {
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return Classify(memory.ToArray(), cancellation);
    }

    /// <summary>Classifies several images in memory, in batches.</summary>
    /// <param name="files">The bytes of each image.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <returns>One result per image, in the same order.</returns>
    /// <exception cref="InputException">As for one image; then no results are returned.</exception>
    public IReadOnlyList<Classification> Classify(IReadOnlyList<byte[]> files, CancellationToken cancellation = default) =>
        [.. files.Chunk(options.BatchSize).SelectMany(batch => Run([.. batch.Select<byte[], Func<NetworkInput, byte[]>>(file =>
            input => input.Decode(file, options.LargestPixels))], cancellation))];

    /// <summary>Classifies an image that is already decoded, in the size of the network's input.</summary>
    /// <param name="pixels">Height · width · channels bytes, row by row, with interleaved channels.</param>
    /// <param name="cancellation">Cancels the work.</param>
    /// <exception cref="ArgumentException">The number of bytes is wrong.</exception>
    public Classification ClassifyPixels(ReadOnlySpan<byte> pixels, CancellationToken cancellation = default)
    {
        var rows = pixels.ToArray();
        return Run([input => input.Planes(rows)], cancellation)[0];
    }

    /// <summary>Classifies images, each given as a function that decodes it to a network's input, channel by channel.</summary>
    private protected abstract IReadOnlyList<Classification> Run(IReadOnlyList<Func<NetworkInput, byte[]>> pictures,
        CancellationToken cancellation);

    /// <summary>Frees the network.</summary>
    public abstract void Dispose();
}
