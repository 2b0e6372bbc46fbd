using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// A method that changes the labels that a network is trained with and nothing else: one distribution over the classes becomes another. It
/// acts inside the training loss, once, whether a batch is mixed or not.
/// </summary>
public abstract record LabelRule : IMethod
{
    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <summary>
    /// True when the rule of a mixture is the mixture of the rules, <c>R(λ·a + (1-λ)·b) = λ·R(a) + (1-λ)·R(b)</c>; then it makes no
    /// difference whether labels are mixed before or after it. Default true.
    /// </summary>
    public virtual bool IsLinear => true;

    /// <summary>
    /// The rule: distributions (N, K), whose rows sum to 1, to others that do. The result is a new tensor of the caller; the input is not
    /// changed.
    /// </summary>
    public abstract Tensor Apply(Tensor targets);

    /// <summary>A loss that applies the rule to its targets and is otherwise the one given.</summary>
    /// <exception cref="ArgumentException">That loss cannot have this rule.</exception>
    public virtual Loss In(Loss loss) => new RuledLoss(loss, this) { Reduction = loss.Reduction };
}

/// <summary>A loss whose targets go through a rule first; class ids become distributions for it.</summary>
internal sealed record RuledLoss(Loss Inner, LabelRule Rule) : Loss
{
    public override bool IsLinear => Inner.IsLinear && Rule.IsLinear;

    public override Tensor PerSample(Tensor logits, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var distributions = AreIds(logits, targets) ? nn.functional.one_hot(targets, logits.size(1)).to(logits.dtype)
            : AreDistributions(logits, targets) ? targets : throw Misfit(logits, targets);
        return Inner.PerSample(logits, Rule.Apply(distributions)).MoveToOuterDisposeScope();
    }
}
