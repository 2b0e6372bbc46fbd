namespace Patchwork.Onnx;

/// <summary>
/// Classifies pictures by a network that Patchwork exported, without torch. The network can be exchanged while it serves
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

    /// <summary>What the file says of itself.</summary>
    public OnnxCard Card => Current.Card;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => Card.Classes;

    /// <summary>Opens a file.</summary>
    /// <param name="file">What <c>patchwork export</c> wrote.</param>
    /// <param name="options">Null: the default ones.</param>
    /// <exception cref="InputException">
    /// The file cannot be read, is damaged or cut off, keeps weights elsewhere, has no card, or has other outputs than its card says.
    /// </exception>
    public static OnnxClassifier Load(string file, ClassifierOptions? options = null)
    {
        options ??= new();
        return new(OnnxModel.Open(file, options), options);
    }

    /// <summary>Opens a file that is in memory.</summary>
    /// <param name="bytes">The bytes of the file.</param>
    /// <param name="options">Null: the default ones.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="InputException">As for a file on disk.</exception>
    public static OnnxClassifier Load(byte[] bytes, ClassifierOptions? options = null, string name = "the file that was given")
    {
        options ??= new();
        return new(OnnxModel.Open(bytes, name, options), options);
    }

    /// <summary>
    /// Puts another file in the network's place, while others classify: a call that has begun ends with the network it began with, the next
    /// one has the new one, and the old one is freed after its last call. A file that is refused changes nothing.
    /// </summary>
    /// <param name="file">What <c>patchwork export</c> wrote; its classes and size may be others.</param>
    /// <exception cref="InputException">As for <see cref="Load(string, ClassifierOptions?)"/>.</exception>
    public void Swap(string file) => Swap(OnnxModel.Open(file, options));

    /// <summary>The same with a file in memory.</summary>
    /// <param name="bytes">The bytes of the file.</param>
    /// <param name="name">What the file is called in messages.</param>
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

    /// <summary>Frees the network as soon as the calls that have begun are done.</summary>
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
        while (!network.TryEnter())      // exchanged since
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
