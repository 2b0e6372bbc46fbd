using Microsoft.ML.OnnxRuntime;

namespace Patchwork.Onnx;

/// <summary>A network in OnnxRuntime that counts the calls that use it and is freed after the last one.</summary>
internal sealed class OnnxModel
{
    private const string CardKey = "patchwork.card", InputName = "input", OutputName = "probabilities";

    private readonly InferenceSession session;
    private int users = 1;      // its owner

    private OnnxModel(InferenceSession session, OnnxCard card) => (this.session, Card) = (session, card);

    public OnnxCard Card { get; }

    /// <summary>The input of the network.</summary>
    public NetworkInput Input => field ??= new(Card.Channels, Card.Height, Card.Width, Card.CenterCrop, Card.ScaledDecoding);

    /// <summary>Opens a file on disk.</summary>
    /// <exception cref="InputException">See <see cref="OnnxClassifier.Load(string, ClassifierOptions?)"/>.</exception>
    public static OnnxModel Open(string file, ClassifierOptions options)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"A classifier must be an ONNX file that can be read. Received: {file} ({error.Message.TrimEnd('.')}).", error);
        }
        return Open(bytes, file, options);
    }

    /// <summary>Opens a file in memory, called <paramref name="name"/> in messages.</summary>
    /// <exception cref="InputException">See <see cref="OnnxClassifier.Load(string, ClassifierOptions?)"/>.</exception>
    public static OnnxModel Open(byte[] bytes, string name, ClassifierOptions options)
    {
        InferenceSession session;
        try
        {
            using var settings = new SessionOptions
            {
                IntraOpNumThreads = options.Threads,
                InterOpNumThreads = 1,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,      // errors that matter are thrown
            };
            session = new InferenceSession(bytes, settings);
        }
        catch (OnnxRuntimeException error)
        {
            throw new InputException($"A classifier must be a complete ONNX file that Patchwork exported. Received: {name}, "
                + (error.Message.Contains("external", StringComparison.OrdinalIgnoreCase)
                    ? "which stores its weights in another file. Export it again."
                    : "which is damaged, cut off, or not an ONNX file. Copy it again."), error);
        }
        try
        {
            return new(session, CardOf(session, name));
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Starts a call; false if the network is already freed.</summary>
    public bool TryEnter()
    {
        for (var now = Volatile.Read(ref users); now > 0; now = Volatile.Read(ref users))
        {
            if (Interlocked.CompareExchange(ref users, now + 1, now) == now)
                return true;
        }
        return false;
    }

    /// <summary>Ends a call, or releases the hold of the owner.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref users) == 0)
            session.Dispose();
    }

    /// <summary>Classifies images of the input's size, stored channel by channel.</summary>
    public Classification[] Run(byte[][] planar, CancellationToken cancellation)
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

    // (N, H, W, C), not normalized.
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
            throw new InputException($"A classifier must be an ONNX file with a card of its classes ({CardKey}), as `patchwork export` "
                + $"writes it. Received: {name}, which has none. Export it with Patchwork.");
        int[] shape = card.Input == "pixels" ? [-1, card.Height, card.Width, card.Channels] : [-1, card.Channels, card.Height, card.Width];
        if (!session.InputMetadata.TryGetValue(InputName, out var input) || !input.Dimensions.SequenceEqual(shape)
            || !session.OutputMetadata.TryGetValue(OutputName, out var output) || output.Dimensions is not [-1, var classes]
            || classes != card.Classes.Count)
            throw new InputException($"A classifier must match its card: {card.Classes.Count} classes of images of "
                + $"{card.Height}×{card.Width}. Received: {name}, whose graph differs. Export it again.");
        return card;
    }
}
