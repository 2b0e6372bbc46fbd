using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// The order of the classes by their logits, wherever a label is compared with a prediction: from the highest logit down, and of equal
/// ones the class of the lower number first, as <c>argmax</c> has it. A network that gives every class the same names class 0.
/// </summary>
internal static class Ranking
{
    /// <summary>The predicted classes (N) of logits (N, K): the first ones of the order.</summary>
    public static Tensor Best(Tensor logits) => logits.argmax(1);

    /// <summary>How many classes stand before the label, (N) int64: 0 is a hit, less than 5 a top-5 hit. A logit that is not a number
    /// stands last.</summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="labels">Labels (N), int64.</param>
    public static Tensor Of(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var label = labels.unsqueeze(1);      // (N, 1)
        var own = logits.gather(1, label);
        var classes = arange(Zero, Held(logits.size(1)), device: logits.device);      // (K)
        var behind = logits.lt(own).logical_or(logits.eq(own).logical_and(classes.ge(label)));      // and the label itself
        return behind.logical_not().sum(1).MoveToOuterDisposeScope();
    }

    /// <summary>Whether the label is among the first <paramref name="places"/> classes, (N) bool.</summary>
    public static Tensor Within(Tensor logits, Tensor labels, long places)
    {
        using var rank = Of(logits, labels);
        return rank.lt(Held(places));
    }
}
