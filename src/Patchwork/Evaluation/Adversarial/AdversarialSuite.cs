using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>adversarial</c>: error under white-box attacks with one step (FGSM with 8/255, as in the paper) and with ten (PGD). Consider both: a
/// network that resists only the first masks its gradient and is not robust.
/// </summary>
public sealed record AdversarialSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "adversarial";

    /// <inheritdoc/>
    public override string Title => "Adversarial attacks";

    /// <inheritdoc/>
    public override string Summary => "Error under FGSM and PGD attacks with ε = 8/255 in pixels.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("fgsm_error", "error under FGSM 8/255, %"),
        new("pgd_error", "error under PGD 8/255, %"),
    ];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var errors = Attack.All.ToDictionary(attack => attack.Id, _ => new List<double>());
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        var index = 0L;
        foreach (var batch in subject.Batches(subject.Test))
        {
            using var scope = NewDisposeScope();
            foreach (var attack in Attack.All)
            {
                subject.Cancellation.ThrowIfCancellationRequested();
                using var attacked = attack.Of(model, batch.Images, batch.Labels, subject.Seeds, index);
                using var noGradient = no_grad();
                errors[attack.Id].AddRange(Subject.Errors(model.Logits(attacked), batch.Labels));
            }
            index++;
        }
        var result = new SuiteResult();
        foreach (var (id, values) in errors)
            result.AddMean($"{id}_error", values, subject.Seeds);
        return result;
    }
}
