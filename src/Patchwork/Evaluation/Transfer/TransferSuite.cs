using System.Text.Json.Nodes;
using Patchwork.Data;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>transfer</c>: the test error on another data set after training only a new last layer (a linear probe), and after training all layers
/// (fine-tuning). This is the simplest form of the paper's section 4.3, which transfers ImageNet networks to detection and captioning.
/// </summary>
public sealed record TransferSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "transfer";

    /// <inheritdoc/>
    public override string Title => "Transfer";

    /// <inheritdoc/>
    public override string Summary =>
        "Test error on another data set: with only a new last layer trained, and with the whole network fine-tuned.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("probe_error", "error on the other set, last layer, %"),
        new("finetuning_error", "error on the other set, fine-tuned, %"),
    ];

    /// <summary>The data set to transfer to, <c>cifar10</c> or <c>folder=DIR</c>; null, the default, for none.</summary>
    public string? To { get; init; }

    /// <summary>Epochs of the last layer's training, and of the fine-tuning. Range 1 to 100,000. Default 10.</summary>
    /// <exception cref="InputException">The value is out of range.</exception>
    public int Epochs
    {
        get;
        init => field = value is >= 1 and <= 100_000 ? value
            : throw new InputException($"`TransferSuite.Epochs` must be 1 to 100000. Received: {value}.");
    } = 10;

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteOption> Options =>
    [
        new SuiteOption<TransferSuite>("transfer-to", "TransferSuite.To",
            "data set to transfer the network to, for example cifar10 or folder=DIR (default none)",
            (suite, text) => suite with { To = text }, suite => suite.To),
        new SuiteOption<TransferSuite>("transfer-epochs", "TransferSuite.Epochs",
            "epochs of the last layer's training and of the fine-tuning (default 10)",
            (suite, text) => suite with { Epochs = SuiteOption.Whole(text, "TransferSuite.Epochs") }, suite => suite.Epochs),
    ];

    /// <inheritdoc/>
    public override JsonObject Fingerprint => new() { ["transfer"] = $"{To} {Epochs}" };

    /// <inheritdoc/>
    public override string? Missing(Dataset test) => To is null ? "needs a data set to transfer to (`TransferSuite.To`)" : null;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Check(Dataset test)
    {
        if (To is not { } text)
            return base.Check(test);
        var data = Open(NamedSet.Parse(text), test);
        return new Dictionary<string, string> { ["train"] = DataDigest.Of(data.Train), ["tested"] = DataDigest.Of(data.Test) };
    }

    private static DatasetPair Open(NamedSet target, Dataset test)
    {
        var data = target.Open(test.Height, test);
        return data.Test.Channels == test.Channels ? data
            : throw new InputException($"A network can only be transferred to a data set with the same number of channels, "
                + $"{test.Channels}. Received: {target.Name}, which has {data.Test.Channels}.");
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is no data set to transfer to, or the subject cannot be retrained.</exception>
    public override SuiteResult Measure(Subject subject)
    {
        if (To is null || subject.Retrain is not { } retrain)
            throw new ArgumentException($"Transfer needs {(To is null ? nameof(To) : nameof(Subject.Retrain))}. Received: null.",
                nameof(subject));
        var target = NamedSet.Parse(To);
        var all = Open(target, subject.Test).Test;
        var test = subject.Limit is { } limit ? StratifiedSplit.Some(all, limit) : all;
        var result = new SuiteResult();
        foreach (var (part, kind) in Enum.GetValues<Kind>().Index())
        {
            // Training takes about nine tenths of the time.
            void Progress(double share) => subject.Progress((part + share) / 2);
            using var network = retrain(Training(kind, target, subject.Test, all.Normalization), share => Progress(0.9 * share));
            using var model = new PixelModel(network, test.Normalization);
            using var noGradient = no_grad();
            var errors = new List<double>();
            foreach (var batch in (subject with { Progress = share => Progress(0.9 + 0.1 * share) }).Batches(test))
            {
                using var logits = model.Logits(batch.Images);
                errors.AddRange(Subject.Errors(logits, batch.Labels));
            }
            result.AddMean($"{Name(kind)}_error", errors, subject.Seeds);
        }
        return result;
    }

    private enum Kind { Probe, FineTuning }

    private static string Name(Kind kind) => kind.ToString().ToLowerInvariant();

    private Retraining Training(Kind kind, NamedSet target, Dataset test, Normalization normalization) => new()
    {
        Suite = Id,
        Name = $"{target.Name}-{Name(kind)}-{Epochs}",
        Label = $"{target.Name}, {Name(kind)}",
        Dataset = target.Id,
        Folder = target.Folder,
        ImageSize = test.Height,
        Normalization = normalization,
        ScaledDecoding = ImageFiles.DecodesScaled(test),
        LastLayerOnly = kind == Kind.Probe,
        // A new layer needs a high learning rate; trained weights are fine-tuned with a tenth of it.
        LearningRate = kind == Kind.Probe ? 0.01 : 0.001,
        Epochs = Epochs,
    };
}
