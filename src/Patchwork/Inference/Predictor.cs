using Patchwork.Data;
using Patchwork.Formats;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>
/// Classifies images with a trained network: from a run, from the checkpoints folder of a run alone, or trained by your own program.
/// </summary>
/// <example>
/// <code>
/// using var predictor = Predictor.Open("runs/pictures");
/// Console.WriteLine(predictor.Classify("new.jpg").Best);
/// </code>
/// </example>
public sealed class Predictor : PictureClassifier
{
    private readonly ReaderWriterLockSlim use = new();      // a map needs exclusive use of the network's features and gradients
    private readonly NetworkInput input;
    private readonly ClassifierOptions options;
    private readonly bool owns;

    private Predictor(nn.Module<Tensor, Tensor> model, ModelCard card, ClassifierOptions options, bool owns) : base(options)
    {
        (Model, Card, this.options, this.owns) = (model, card, options, owns);
        input = new(card.Channels, card.Height, card.Width, card.CenterCrop, card.ScaledDecoding);
        model.eval();
    }

    /// <summary>Creates a predictor for a network in memory, as a trainer leaves it.</summary>
    /// <param name="model">
    /// A network from images (N, C, H, W) to logits (N, K), of the catalogue or your own, on the CPU. The caller keeps ownership; the
    /// network is put into evaluation mode.
    /// </param>
    /// <param name="card">Its input and classes, as created by <see cref="ModelCard.Of(nn.Module{Tensor, Tensor}, Dataset)"/>.</param>
    /// <param name="options">Null: the default ones.</param>
    public Predictor(nn.Module<Tensor, Tensor> model, ModelCard card, ClassifierOptions? options = null)
        : this(model, card, options ?? new(), owns: false) { }

    /// <summary>Model, input and classes.</summary>
    public ModelCard Card { get; }

    /// <summary>Which weights of the run are used: those of the last epoch if the run has no best ones.</summary>
    public WeightsOf Which { get; private init; } = WeightsOf.LastEpoch;

    /// <summary>The network, in evaluation mode.</summary>
    public nn.Module<Tensor, Tensor> Model { get; }

    /// <summary>
    /// The precision of a network of the catalogue. Default <see cref="Precision.Float32"/>, as for networks of your own.
    /// </summary>
    /// <exception cref="InputException">The network is your own, or libtorch does not support the precision.</exception>
    public Precision Precision
    {
        get => Model is ImageClassifier { Precision: var precision } ? precision : Precision.Float32;
        set => (Model as ImageClassifier ?? throw new InputException("A precision can be set only for networks of the catalogue. "
            + $"Received: one for {Card.Model}.")).Precision = value;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Classes => Card.Classes;

    /// <summary>Opens the weights of a run.</summary>
    /// <param name="folder">A run folder, the checkpoints folder of a run alone, or a folder that <see cref="Save"/> wrote.</param>
    /// <param name="which">The weights of the best epoch, the default, or of the last one.</param>
    /// <param name="options">Null: the default ones.</param>
    /// <exception cref="InputException">The folder is none of these, or it has no weights yet.</exception>
    public static Predictor Open(string folder, WeightsOf which = WeightsOf.BestEpoch, ClassifierOptions? options = null)
    {
        var inner = Path.Combine(folder, "checkpoints");
        var checkpoints = new CheckpointStore(Directory.Exists(inner) ? inner : folder);
        if (!File.Exists(checkpoints.Card))
            throw new InputException("A trained network must be a run folder, or the checkpoints folder of a run with its model.json. "
                + $"Received: {folder}, which "
                + $"{(Directory.Exists(folder) ? "has none" : "does not exist")}.{CheckpointStore.RunsIn(folder)}");
        var card = ModelCard.Read(checkpoints.Card);
        var hasBest = File.Exists(checkpoints.BestWeights);
        if (which == WeightsOf.LastEpoch && hasBest)
            card = card with { Temperature = null, Threshold = null };      // fitted to the weights of the best epoch
        var weights = which == WeightsOf.BestEpoch && hasBest ? checkpoints.BestWeights : checkpoints.LastWeights;
        if (!File.Exists(weights))
            throw new InputException($"A run must have weights to predict with. Received: {folder}, which has none yet. Train it first.");
        return new(card.LoadModel(weights, CPU), card, options ?? new(), owns: true)
        {
            Which = hasBest ? which : WeightsOf.LastEpoch,
        };
    }

    /// <summary>
    /// Writes the card and the weights into a folder that <see cref="Open"/> reads, and that the command line accepts as a run.
    /// </summary>
    /// <param name="folder">The folder; created if it does not exist.</param>
    /// <exception cref="InputException">The folder already holds a network.</exception>
    public void Save(string folder)
    {
        var store = new CheckpointStore(folder);
        Directory.CreateDirectory(folder);
        if (File.Exists(store.Card))
            throw new InputException($"A network must be saved into its own folder. Received: {folder}, which already has one. Choose "
                + "another folder.");
        Safetensors.Save(store.LastWeights, Model.state_dict());
        AtomicFile.WriteText(store.Card, Card.ToJson() + "\n");
    }

    /// <summary>Shows what the network looks at in an image, resized to its input size. Thread-safe; one image at a time.</summary>
    /// <param name="picture">The path of the image file.</param>
    /// <param name="className">
    /// The class to explain, in any case unless another class differs from it by case alone; null, the default: the predicted one.
    /// </param>
    /// <param name="layer">The layer for Grad-CAM; null, the default: the class activation map of the last features.</param>
    /// <exception cref="InputException">The image cannot be read, or the network has no such class or layer.</exception>
    public Explanation Explain(string picture, string? className = null, string? layer = null)
    {
        int? label = null;
        if (className is not null)
        {
            label = Card.LabelOf(className) ?? throw InputException.Unknown("class", className, [.. Card.Classes]);
        }
        using var threads = OpenMp.On(options.Threads);
        using var image = Images([input.Decode(picture, options.LargestPixels)]);
        use.EnterWriteLock();
        try
        {
            return Explanation.Of(Model, image, Normalization, Card.Classes, label, layer, Card.MultiLabel, Card.Temperature ?? 1);
        }
        finally
        {
            use.ExitWriteLock();
        }
    }

    private protected override IReadOnlyList<Classification> Run(IReadOnlyList<Func<NetworkInput, byte[]>> pictures,
        CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        using var threads = OpenMp.On(options.Threads);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var images = Images([.. pictures.Select(picture => picture(input))]);
        cancellation.ThrowIfCancellationRequested();
        Tensor logits;
        use.EnterReadLock();
        try
        {
            logits = Model.call(images);
        }
        finally
        {
            use.ExitReadLock();
        }
        if (!logits.shape.SequenceEqual([pictures.Count, Classes.Count]))
            throw new InputException($"A network must return one logit for each of the {Classes.Count} classes of its card. Received: "
                + $"{string.Join('×', logits.shape)} for {pictures.Count} pictures.");
        var all = Explanation.Probabilities(logits, Card.MultiLabel, Card.Temperature ?? 1);
        if (!all.All(double.IsFinite))
            throw new InputException("The network must give a number for each class. Received: none; its training has diverged. Train it "
                + "with a lower learning rate (`Lr`).");
        return [.. all.Chunk(Classes.Count).Select(row =>
            new Classification(Classes, row, Card.MultiLabel ? Card.Threshold ?? 0.5 : null))];
    }

    private Normalization Normalization => new(Card.Mean, Card.StandardDeviation);

    // Images as the network expects them, (N, C, H, W), owned by the caller.
    private Tensor Images(byte[][] pictures)
    {
        var values = new float[pictures.Length * input.Size];
        var rows = new PixelRows(Normalization);
        for (var n = 0; n < pictures.Length; n++)
            rows.Write(new ImageSource(pictures[n], Card.Height, Card.Width, default), values.AsSpan(n * input.Size, input.Size));
        return tensor(values, [pictures.Length, Card.Channels, Card.Height, Card.Width]);
    }

    /// <summary>Disposes the network, unless the caller owns it.</summary>
    public override void Dispose()
    {
        use.Dispose();
        if (owns)
            Model.Dispose();
    }
}

/// <summary>Which weights of a run.</summary>
public enum WeightsOf
{
    /// <summary>Those of the epoch with the lowest validation error; the last ones if the run has none.</summary>
    BestEpoch,

    /// <summary>Those of the last epoch.</summary>
    LastEpoch,
}
