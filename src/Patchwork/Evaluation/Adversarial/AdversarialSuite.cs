using System.Globalization;
using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>adversarial</c>: error under white-box attacks with one step (FGSM) and with ten (PGD), at 8/255 as in the paper and as a curve over
/// ε. Consider both attacks: a network that resists only the first masks its gradient and is not robust. Consider the curve: where every
/// network fails, or none, no difference can be seen.
/// </summary>
public sealed record AdversarialSuite : Suite
{
    private const double PaperEpsilon = 8;

    /// <inheritdoc/>
    public override string Id => "adversarial";

    /// <inheritdoc/>
    public override string Title => "Adversarial attacks";

    /// <inheritdoc/>
    public override string Summary => "Error under FGSM and PGD attacks with ε = 8/255 in pixels, and as curves over ε.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("fgsm_error", "error under FGSM 8/255, %"),
        new("pgd_error", "error under PGD 8/255, %"),
    ];

    /// <summary>
    /// The ε of the curves, in 255ths: how many grey levels a value may change by. Range: above 0, to 255, ascending. Default 0.5, 1, 2, 4,
    /// 8.
    /// </summary>
    public IReadOnlyList<double> Epsilons
    {
        get;
        init => field = value.Count > 0 && value.All(epsilon => epsilon is > 0 and <= 255) && value.Zip(value.Skip(1)).All(two =>
            two.First < two.Second) ? value : throw new InputException("`AdversarialSuite.Epsilons` must ascend, above 0 and up to 255 "
                + $"grey levels. Received: {string.Join(',', value.Select(epsilon => epsilon.ToString(CultureInfo.InvariantCulture)))}.");
    } = [0.5, 1, 2, 4, 8];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteOption> Options =>
    [
        new SuiteOption<AdversarialSuite>("epsilons", "AdversarialSuite.Epsilons",
            "strengths of the attacks in grey levels of 255, ascending, separated by commas (default 0.5,1,2,4,8)",
            (suite, text) => suite with { Epsilons = SuiteOption.Numbers(text, "AdversarialSuite.Epsilons") },
            suite => new JsonArray([.. suite.Epsilons.Select(epsilon => JsonValue.Create(epsilon))])),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts => [.. Attack.All.Select(attack => new CurveChart(attack.Id,
        $"Error under {attack.Id.ToUpperInvariant()}", "ε, grey levels of 255", "error, %"))];

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        double[] epsilons = [.. Epsilons.Union([PaperEpsilon]).Order()];
        var errors = Attack.All.ToDictionary(attack => attack, _ => epsilons.ToDictionary(epsilon => epsilon, _ => new List<double>()));
        var clean = new List<double>();
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        var index = 0L;
        foreach (var batch in subject.Batches(subject.Test))
        {
            using var scope = NewDisposeScope();
            clean.AddRange(Errors(batch.Images));
            foreach (var (attack, curve) in errors)
            {
                foreach (var (epsilon, values) in curve)
                {
                    subject.Cancellation.ThrowIfCancellationRequested();
                    using var attacked = attack.Within(epsilon / 255).Of(model, batch.Images, batch.Labels, subject.Seeds, index);
                    values.AddRange(Errors(attacked));
                }
            }
            index++;

            IEnumerable<double> Errors(Tensor images)
            {
                using var noGradient = no_grad();
                return Subject.Errors(model.Logits(images), batch.Labels);
            }
        }
        var result = new SuiteResult();
        foreach (var (attack, curve) in errors)
        {
            result.AddMean($"{attack.Id}_error", curve[PaperEpsilon], subject.Seeds);
            result.AddTable(attack.Id, [[0, clean.Average()], .. Epsilons.Select(epsilon => new[] { epsilon, curve[epsilon].Average() })]);
        }
        return result;
    }
}
