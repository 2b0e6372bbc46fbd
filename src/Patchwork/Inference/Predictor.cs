using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>A trained network, ready to name what a picture shows. Needs nothing of a run but its checkpoints folder.</summary>
public sealed class Predictor : IDisposable
{
    private readonly ImageClassifier model;

    private Predictor(ModelCard card, ImageClassifier model) => (Card, this.model) = (card, model);

    /// <summary>Model, input and classes.</summary>
    public ModelCard Card { get; }

    /// <summary>The network, in evaluation mode and float32 unless you set its precision; it stays this predictor's.</summary>
    public ImageClassifier Model => model;

    /// <summary>
    /// Torch threads for a picture. One picture is too little work to share out: more threads wait for one another, and on a busy machine
    /// for its cores. Range: at least 1. Default 1.
    /// </summary>
    public int Threads
    {
        get;
        set => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"threads must be at least 1. Received: threads = {value}.");
    } = 1;

    /// <summary>Opens a run's best weights, or its last ones when there are no best.</summary>
    /// <param name="folder">A run folder, or the checkpoints folder of a run alone.</param>
    /// <exception cref="InputException">The folder is neither, or it has no weights yet.</exception>
    public static Predictor Open(string folder)
    {
        var inner = Path.Combine(folder, "checkpoints");
        var checkpoints = new CheckpointStore(Directory.Exists(inner) ? inner : folder);
        if (!File.Exists(checkpoints.Card))
            throw new InputException("A trained network is a run folder, or the checkpoints folder of a run with its model.json. "
                + $"Received: {folder}, which "
                    + $"{(Directory.Exists(folder) ? "has none" : "does not exist")}.{CheckpointStore.RunsIn(folder)}");
        var weights = File.Exists(checkpoints.BestWeights) ? checkpoints.BestWeights : checkpoints.LastWeights;
        if (!File.Exists(weights))
            throw new InputException($"A run must have weights to predict with. Received: {folder}, which has none yet. Train it first.");
        var card = ModelCard.Read(checkpoints.Card);
        var model = card.LoadModel(weights, CPU);
        model.eval();
        return new Predictor(card, model);
    }

    /// <summary>Probabilities of all classes for a picture, brought to the network's input size.</summary>
    /// <exception cref="InputException">The picture cannot be read.</exception>
    public double[] Predict(string picture)
    {
        using var threads = OpenMp.On(Threads);
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var logits = model.call(Input(picture)).to(ScalarType.Float64);
        var probabilities = (Card.MultiLabel ? logits.sigmoid() : logits.softmax(1)).data<double>().ToArray();
        return probabilities.All(double.IsFinite) ? probabilities
            : throw new InputException($"The network must give a number for each class. Received: none for {picture}; its training has "
                + "diverged. Train it with a lower learning rate (`Lr`).");
    }

    /// <summary>
    /// The classes that a picture shows by its probabilities: the best one, or of several labels those above the threshold.
    /// </summary>
    /// <param name="probabilities">What <see cref="Predict"/> gave.</param>
    public IReadOnlyList<string> Named(double[] probabilities) => !Card.MultiLabel
        ? [Card.Classes[Array.IndexOf(probabilities, probabilities.Max())]]
        : [.. Card.Classes.Where((_, k) => probabilities[k] >= (Card.Threshold ?? 0.5))];

    /// <summary>What the network looks at in a picture, brought to its input size.</summary>
    /// <param name="picture">The picture's file.</param>
    /// <param name="className">
    /// The class that is asked about, in any case where no other differs by that alone; null, the default: the predicted one.
    /// </param>
    /// <param name="layer">The layer of a Grad-CAM; null, the default: the class activation map of the last features.</param>
    /// <exception cref="InputException">The picture cannot be read, or the network knows no such class or layer.</exception>
    public Explanation Explain(string picture, string? className = null, string? layer = null)
    {
        int? label = null;
        if (className is not null)
        {
            label = Card.LabelOf(className) ?? throw InputException.Unknown("class", className, [.. Card.Classes]);
        }
        using var threads = OpenMp.On(Threads);
        using var input = Input(picture);
        return Explanation.Of(model, input, Normalization, Card.Classes, label, layer, Card.MultiLabel);
    }

    private Normalization Normalization => new(Card.Mean, Card.StandardDeviation);

    // The picture as the network takes it, (1, C, H, W); the caller's.
    private Tensor Input(string picture)
    {
        var pixels = new byte[Card.Channels * Card.Height * Card.Width];
        ImageDecoder.Decode(picture, Card.Height, Card.Width, pixels, Card.Channels, Card.CenterCrop, Card.ScaledDecoding);
        var input = new float[pixels.Length];
        new PixelRows(Normalization).Write(new ImageSource(pixels, Card.Height, Card.Width, default), input);
        return tensor(input, [1, Card.Channels, Card.Height, Card.Width]);
    }

    /// <summary>Frees the network.</summary>
    public void Dispose() => model.Dispose();
}
