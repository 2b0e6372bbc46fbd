using Microsoft.ML.OnnxRuntime;
using Patchwork.Imaging;

namespace Patchwork.Onnx;

/// <summary>
/// Classifies pictures by a network that Patchwork exported. Pictures are decoded, turned, cropped and resized by the code that training
/// used; all else is in the file. Thread-safe: one classifier serves a whole program.
/// </summary>
/// <example>
/// <code>
/// using var classifier = OnnxClassifier.Load("pictures.onnx");
/// Console.WriteLine(classifier.Classify("new.jpg").Best);
/// </code>
/// </example>
public sealed class OnnxClassifier : IDisposable
{
    private const string CardKey = "patchwork.card", InputName = "input", OutputName = "probabilities";

    private readonly InferenceSession session;
    private readonly OnnxClassifierOptions options;

    private OnnxClassifier(InferenceSession session, OnnxCard card, OnnxClassifierOptions options) =>
        (this.session, Card, this.options) = (session, card, options);

    /// <summary>What the file says of itself.</summary>
    public OnnxCard Card { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="file">What <c>patchwork export</c> wrote.</param>
    /// <param name="options">Null: the default ones.</param>
    /// <exception cref="InputException">
    /// The file cannot be read, is damaged or cut off, keeps weights elsewhere, has no card, or has other outputs than its card says.
    /// </exception>
    public static OnnxClassifier Load(string file, OnnxClassifierOptions? options = null)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"A classifier is an ONNX file that can be read. Received: {file} ({error.Message.TrimEnd('.')}).",
                error);
        }
        return Load(bytes, options, file);
    }

    /// <summary>Opens a file that is in memory.</summary>
    /// <param name="bytes">The bytes of the file.</param>
    /// <param name="options">Null: the default ones.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="InputException">As for a file on disk.</exception>
    public static OnnxClassifier Load(byte[] bytes, OnnxClassifierOptions? options = null, string name = "the file that was given")
    {
        options ??= new();
        InferenceSession session;
        try
        {
            using var settings = new SessionOptions
            {
                IntraOpNumThreads = options.Threads,
                InterOpNumThreads = 1,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,      // what matters is thrown
            };
            session = new InferenceSession(bytes, settings);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InputException($"A classifier is a whole ONNX file that Patchwork exported. Received: {name}, "
                + (error.Message.Contains("external", StringComparison.OrdinalIgnoreCase)
                    ? "which keeps its weights in another file. Export it again."
                    : "which is damaged, cut off, or none. Copy it again."), error);
        }
        try
        {
            return new(session, CardOf(session, name), options);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Classifies a picture in a file.</summary>
    /// <param name="path">A PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InputException">The file cannot be read, is no picture, damaged or too large.</exception>
    public Classification Classify(string path, CancellationToken cancellation = default)
    {
        var planar = Planes();
        ImageDecoder.Decode(path, Card.Height, Card.Width, planar, Card.Channels, Card.CenterCrop, Card.ScaledDecoding,
            options.LargestPixels);
        return Run([planar], cancellation)[0];
    }

    /// <summary>Classifies a picture in memory.</summary>
    /// <param name="file">The bytes of a PNG, JPEG, WebP, BMP or GIF file.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="InputException">The bytes are no picture, damaged, or of one that is too large.</exception>
    public Classification Classify(byte[] file, CancellationToken cancellation = default) => Run([Decoded(file)], cancellation)[0];

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
        [.. files.Chunk(options.BatchSize).SelectMany(batch => Run([.. batch.Select(Decoded)], cancellation))];

    /// <summary>Classifies a picture that is decoded already, of the size that the card says.</summary>
    /// <param name="pixels">Height · width · channels bytes, row by row, a pixel's channels side by side.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="ArgumentException">There are not as many bytes.</exception>
    public Classification ClassifyPixels(ReadOnlySpan<byte> pixels, CancellationToken cancellation = default)
    {
        var planar = Planes();
        if (pixels.Length != planar.Length)
            throw new ArgumentException($"A picture has {Card.Height}×{Card.Width} pixels of {Card.Channels} bytes. Received: "
                + $"{pixels.Length} bytes.", nameof(pixels));
        var places = Card.Height * Card.Width;
        for (var i = 0; i < planar.Length; i++)
            planar[i % Card.Channels * places + i / Card.Channels] = pixels[i];
        return Run([planar], cancellation)[0];
    }

    /// <summary>Frees the network. Calls that are under way must have ended.</summary>
    public void Dispose() => session.Dispose();

    // Room for a picture as the decoder gives it: channel, row, column.
    private byte[] Planes() => new byte[Card.Channels * Card.Height * Card.Width];

    private byte[] Decoded(byte[] file)
    {
        var planar = Planes();
        ImageDecoder.Decode(file, Card.Height, Card.Width, planar, Card.Channels, Card.CenterCrop, Card.ScaledDecoding,
            options.LargestPixels);
        return planar;
    }

    private Classification[] Run(byte[][] planar, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var input = Card.Input == "pixels" ? Pixels(planar) : Normalized(planar);
        using var run = new RunOptions();
        using var stop = cancellation.Register(() => run.Terminate = true);
        try
        {
            using var outputs = session.Run(run, [InputName], [input], [OutputName]);
            var all = outputs[0].GetTensorDataAsSpan<float>();
            var answers = new Classification[planar.Length];
            for (var i = 0; i < answers.Length; i++)
            {
                var probabilities = new double[Card.Classes.Count];
                for (var k = 0; k < probabilities.Length; k++)
                    probabilities[k] = all[i * probabilities.Length + k];
                answers[i] = new(Card.Classes, probabilities, Card.MultiLabel ? Card.Threshold ?? 0.5 : null);
            }
            return answers;
        }
        catch (OnnxRuntimeException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    // (N, H, W, C) as the graph takes them.
    private OrtValue Pixels(byte[][] planar)
    {
        var (places, size) = (Card.Height * Card.Width, planar[0].Length);
        var rows = new byte[planar.Length * size];
        for (var n = 0; n < planar.Length; n++)
        {
            for (var channel = 0; channel < Card.Channels; channel++)
            {
                var plane = planar[n].AsSpan(channel * places, places);
                var from = n * size + channel;
                for (var i = 0; i < places; i++)
                    rows[from + i * Card.Channels] = plane[i];
            }
        }
        return OrtValue.CreateTensorValueFromMemory(rows, [planar.Length, Card.Height, Card.Width, Card.Channels]);
    }

    // (N, C, H, W), normalized.
    private OrtValue Normalized(byte[][] planar)
    {
        var (places, size) = (Card.Height * Card.Width, planar[0].Length);
        var values = new float[planar.Length * size];
        for (var i = 0; i < values.Length; i++)
        {
            var channel = i % size / places;
            values[i] = (planar[i / size][i % size] / 255f - Card.Mean[channel]) / Card.StandardDeviation[channel];
        }
        return OrtValue.CreateTensorValueFromMemory(values, [planar.Length, Card.Channels, Card.Height, Card.Width]);
    }

    private static OnnxCard CardOf(InferenceSession session, string name)
    {
        if (!session.ModelMetadata.CustomMetadataMap.TryGetValue(CardKey, out var json) || OnnxCard.Of(json) is not { } card)
            throw new InputException($"A classifier is an ONNX file with a card of its classes ({CardKey}), as `patchwork export` "
                + $"writes it. Received: {name}, which has none. Export it with Patchwork.");
        int[] shape = card.Input == "pixels" ? [-1, card.Height, card.Width, card.Channels] : [-1, card.Channels, card.Height, card.Width];
        if (!session.InputMetadata.TryGetValue(InputName, out var input) || !input.Dimensions.SequenceEqual(shape)
            || !session.OutputMetadata.TryGetValue(OutputName, out var output) || output.Dimensions is not [-1, var classes]
            || classes != card.Classes.Count)
            throw new InputException($"A classifier takes and gives what its card says: {card.Classes.Count} classes of images of "
                + $"{card.Height}×{card.Width}. Received: {name}, whose graph differs. Export it again.");
        return card;
    }
}
