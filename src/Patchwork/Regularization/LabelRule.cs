using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// A method that changes only the labels in training: it maps a distribution over the classes to another. It is applied once, inside the
/// training loss, whether or not a batch is mixed.
/// </summary>
public abstract record LabelRule : IMethod
{
    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <summary>
    /// True when the rule is linear, <c>R(λ·a + (1-λ)·b) = λ·R(a) + (1-λ)·R(b)</c>, so that labels can be mixed before or after it with the
    /// same result. Default true.
    /// </summary>
    public virtual bool IsLinear => true;

    /// <summary>
    /// Applies the rule to distributions (N, K) whose rows sum to 1; the rows of the result do too. The result is a new tensor that the
    /// caller owns; the input is not changed.
    /// </summary>
    public abstract Tensor Apply(Tensor targets);

    /// <summary>Returns a loss that applies the rule to its targets and is otherwise the given loss.</summary>
    /// <exception cref="ArgumentException">The loss cannot be combined with this rule.</exception>
    public virtual Loss In(Loss loss) => new RuledLoss(loss, this) { Reduction = loss.Reduction };
}

/// <summary>A loss that applies a rule to its targets first; class ids are converted to distributions for it.</summary>
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
