namespace Patchwork;

/// <summary>
/// Says what pictures show: a trained run (<c>Predictor</c>, with torch) or an exported file (<c>OnnxClassifier</c>, without), by the same
/// calls. Pictures are decoded, turned, cropped and resized by the code that training used. Thread-safe: one serves a whole program.
/// </summary>
public abstract class PictureClassifier : IDisposable
{
    private readonly ClassifierOptions options;

    private protected PictureClassifier(ClassifierOptions options) => this.options = options;

    /// <summary>Names of the classes, in the order of the probabilities.</summary>
    public abstract IReadOnlyList<string> Classes { get; }

    /// <summary>Classifies a picture in a file.</summary>
    /// <param name="path">A PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InputException">The file cannot be read, is no picture, damaged or too large.</exception>
    public Classification Classify(string path, CancellationToken cancellation = default) =>
        Run([input => input.Decode(path, options.LargestPixels)], cancellation)[0];

    /// <summary>Classifies a picture in memory.</summary>
    /// <param name="file">The bytes of a PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InputException">The bytes are no picture, damaged, or of one that is too large.</exception>
    public Classification Classify(byte[] file, CancellationToken cancellation = default) =>
        Run([input => input.Decode(file, options.LargestPixels)], cancellation)[0];

    /// <summary>Classifies a picture that a stream holds from where it stands to its end.</summary>
    /// <param name="file">A PNG, JPEG, WebP, BMP or GIF file; it stays open.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InputException">As for a picture in memory.</exception>
    public Classification Classify(Stream file, CancellationToken cancellation = default)
    {
        using var memory = new MemoryStream();
        file.CopyTo(memory);
        return Classify(memory.ToArray(), cancellation);
    }

    /// <summary>Classifies pictures in memory, several at once.</summary>
    /// <param name="files">The bytes of each.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>One answer for each, in their order.</returns>
    /// <exception cref="InputException">As for one picture; none is classified.</exception>
    public IReadOnlyList<Classification> Classify(IReadOnlyList<byte[]> files, CancellationToken cancellation = default) =>
        [.. files.Chunk(options.BatchSize).SelectMany(batch => Run([.. batch.Select<byte[], Func<NetworkInput, byte[]>>(file =>
            input => input.Decode(file, options.LargestPixels))], cancellation))];

    /// <summary>Classifies a picture that is decoded already, of the size that the network takes.</summary>
    /// <param name="pixels">Height · width · channels bytes, row by row, a pixel's channels side by side.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ArgumentException">There are not as many bytes.</exception>
    public Classification ClassifyPixels(ReadOnlySpan<byte> pixels, CancellationToken cancellation = default)
    {
        var rows = pixels.ToArray();
        return Run([input => input.Planes(rows)], cancellation)[0];
    }

    /// <summary>Classifies pictures that bring themselves to the input of the network that is asked, channel by channel.</summary>
    private protected abstract IReadOnlyList<Classification> Run(IReadOnlyList<Func<NetworkInput, byte[]>> pictures,
        CancellationToken cancellation);

    /// <summary>Frees the network.</summary>
    public abstract void Dispose();
}
