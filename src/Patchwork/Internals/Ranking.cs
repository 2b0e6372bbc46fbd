using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Ranks the classes by their logits, wherever a label is compared with a prediction: highest logit first, and for equal logits the lower
/// class number first, as in <c>argmax</c>. A network that gives every class the same logit predicts class 0.
/// </summary>
internal static class Ranking
{
    /// <summary>The predicted classes (N) of logits (N, K): the classes ranked first.</summary>
    public static Tensor Best(Tensor logits) => logits.argmax(1);

    /// <summary>
    /// The number of classes ranked before the label, (N) int64: 0 is a hit, less than 5 a top-5 hit. A label whose logit is NaN is ranked
    /// last.
    /// </summary>
    /// <param name="logits">Logits (N, K).</param>
    /// <param name="labels">Labels (N), int64.</param>
    public static Tensor Of(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var label = labels.unsqueeze(1);      // (N, 1)
        var own = logits.gather(1, label);
        var classes = arange(Zero, Held(logits.size(1)), device: logits.device);      // (K)
        var behind = logits.lt(own).logical_or(logits.eq(own).logical_and(classes.ge(label)));      // including the label itself
        return behind.logical_not().sum(1).MoveToOuterDisposeScope();
    }

    /// <summary>Whether the label is among the first <paramref name="places"/> classes, (N) bool.</summary>
    public static Tensor Within(Tensor logits, Tensor labels, long places)
    {
        using var rank = Of(logits, labels);
        return rank.lt(Held(places));
    }
}
