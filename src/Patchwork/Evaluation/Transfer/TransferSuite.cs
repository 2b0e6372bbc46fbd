using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>How a trained network is taken to another data set.</summary>
public enum TransferKind
{
    /// <summary>Its features stay, a last linear layer is trained: what they are worth as they are.</summary>
    Probe,

    /// <summary>All of it is trained on from its weights.</summary>
    FineTuning,
}

/// <summary>Another set that a network is taken to.</summary>
/// <param name="Set">Its name.</param>
/// <param name="Test">Its test images.</param>
/// <param name="Adapt">Trains the network for it and returns it, owned by the caller; told how much is done, 0 to 1.</param>
public sealed record Transfer(string Set, Dataset Test, Func<TransferKind, Action<double>, nn.Module<Tensor, Tensor>> Adapt);

/// <summary>
/// <c>transfer</c>: the test error on another data set after training a last layer alone (a linear probe), and after training on (fine-tuning). The simplest form of
/// the paper's section 4.3, which takes ImageNet's networks to detection and captioning.
/// </summary>
public sealed class TransferSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "transfer";

    /// <inheritdoc/>
    public override string Title => "Transfer";

    /// <inheritdoc/>
    public override string Summary => "Test error on another data set: a last layer trained on the features as they are, and the whole network trained on.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines { get; } =
    [
        new("probe_error", "error on the other set, last layer, %"),
        new("finetuning_error", "error on the other set, fine-tuned, %"),
    ];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var transfer = subject.Transfer ?? throw new ArgumentException("Transfer needs another data set. Received: none.", nameof(subject));
        var kinds = Enum.GetValues<TransferKind>();
        var result = new SuiteResult();
        foreach (var (part, kind) in kinds.Index())
        {
            // Nine tenths of the time is training.
            using var network = transfer.Adapt(kind, share => subject.Progress((part + 0.9 * share) / kinds.Length));
            using var model = new PixelModel(network, transfer.Test.Normalization);
            using var noGradient = no_grad();
            var errors = new List<double>();
            foreach (var batch in (subject with { Progress = share => subject.Progress((part + 0.9 + 0.1 * share) / kinds.Length) }).Batches(transfer.Test))
            {
                using var logits = model.Logits(batch.Images);
                errors.AddRange(Subject.Errors(logits, batch.Labels));
            }
            result.AddMean($"{kind.ToString().ToLowerInvariant()}_error", errors, subject.Seeds);
        }
        return result;
    }
}
