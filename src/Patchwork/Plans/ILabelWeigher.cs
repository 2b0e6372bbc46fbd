using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>
/// A mixer that weighs labels by what the network attends to in the mixed images. It is the third step of such a mixer: <c>Plan</c> draws
/// before anything is read, <c>Apply</c> changes pixels before the forward pass, and <see cref="Weigh"/> sets the weights of the labels
/// after the forward pass and before the loss. It draws nothing, and no gradient passes through it.
/// </summary>
public interface ILabelWeigher : IMethod
{
    /// <summary>Returns the targets of mixed images with their weights by attention.</summary>
    /// <param name="targets">The targets with the weights of the plan.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="rows">For each row of the targets its row in the plan.</param>
    /// <param name="attention">Attention of the same rows, (N, h, w), 0 or more, from the forward pass of the mixed images.</param>
    PairTargets Weigh(PairTargets targets, MixPlan plan, IReadOnlyList<int> rows, Tensor attention);
}
