namespace Patchwork.Onnx;

/// <summary>
/// Classifies images with a network that Patchwork exported, without torch. The network can be replaced while it is in use
/// (<see cref="Swap(string)"/>).
/// </summary>
/// <example>
/// <code>
/// using var classifier = OnnxClassifier.Load("pictures.onnx");
/// Console.WriteLine(classifier.Classify("new.jpg").Best);
/// </code>
/// </example>
public sealed class OnnxClassifier : PictureClassifier
{
    private readonly ClassifierOptions options;
    private readonly Lock exchange = new();
    private volatile OnnxModel? model;

    private OnnxClassifier(OnnxModel model, ClassifierOptions options) : base(options) => (this.model, this.options) = (model, options);

    /// <summary>The card of the file.</summary>
    public OnnxCard Card => Current.Card;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => Card.Classes;

    /// <summary>Loads a file.</summary>
    /// <param name="file">A file that <c>patchwork export</c> wrote.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <exception cref="InputException">
    /// The file cannot be read, is damaged or cut off, stores its weights in another file, has no card, or does not match its card.
    /// </exception>
    public static OnnxClassifier Load(string file, ClassifierOptions? options = null)
    {
        options ??= new();
        return new(OnnxModel.Open(file, options), options);
    }

    /// <summary>Loads a file that is in memory.</summary>
    /// <param name="bytes">The bytes of the file.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="InputException">As for a file on disk.</exception>
    public static OnnxClassifier Load(byte[] bytes, ClassifierOptions? options = null, string name = "the file that was given")
    {
        options ??= new();
        return new(OnnxModel.Open(bytes, name, options), options);
    }

    /// <summary>
    /// Replaces the network with that of another file, also while other threads classify: a call in progress finishes with the network that
    /// it started with, later calls use the new one, and the old one is freed after its last call. A rejected file changes nothing.
    /// </summary>
    /// <param name="file">A file that <c>patchwork export</c> wrote; its classes and input size may differ.</param>
    /// <exception cref="InputException">As for <see cref="Load(string, ClassifierOptions?)"/>.</exception>
    public void Swap(string file) => Swap(OnnxModel.Open(file, options));

    /// <summary>Replaces the network with that of a file in memory.</summary>
    /// <param name="bytes">The bytes of the file.</param>
    /// <param name="name">Name of the file in messages.</param>
    /// <exception cref="InputException">As for a file on disk.</exception>
    public void Swap(byte[] bytes, string name = "the file that was given") => Swap(OnnxModel.Open(bytes, name, options));

    private void Swap(OnnxModel next)
    {
        OnnxModel? before;
        lock (exchange)
        {
            before = model;
            if (before is not null)
                model = next;
        }
        (before ?? next).Leave();
        ObjectDisposedException.ThrowIf(before is null, this);
    }

    /// <summary>Frees the network as soon as the calls in progress have finished.</summary>
    public override void Dispose()
    {
        OnnxModel? last;
        lock (exchange)
            (last, model) = (model, null);
        last?.Leave();
    }

    private OnnxModel Current => model ?? throw new ObjectDisposedException(nameof(OnnxClassifier));

    private protected override IReadOnlyList<Classification> Run(IReadOnlyList<Func<NetworkInput, byte[]>> pictures,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var network = Current;
        while (!network.TryEnter())      // replaced in the meantime
            network = Current;
        try
        {
            return network.Run([.. pictures.Select(picture => picture(network.Input))], cancellation);
        }
        finally
        {
            network.Leave();
        }
    }
}
