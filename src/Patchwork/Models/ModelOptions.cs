using Patchwork.Regularization;

namespace Patchwork.Models;

/// <summary>
/// Regularizers that act inside a network in training, and the choice of its first layers. Every network accepts every option,
/// except that transformers have no feature maps to drop blocks of. No option changes the name of a parameter.
/// </summary>
public sealed record ModelOptions
{
    /// <summary>
    /// ShakeDrop, stochastic depth, DropBlock or others, each at its <see cref="BranchRegularizer.Point"/>; at most one at each point.
    /// Default: none.
    /// </summary>
    /// <exception cref="ArgumentException">Two of them act at the same point.</exception>
    public IReadOnlyList<BranchRegularizer> Regularizers
    {
        get;
        init => field = value.GroupBy(method => method.Point).FirstOrDefault(point => point.Count() > 1) is { } crowded
            ? throw new ArgumentException($"Only one method can act on {Named(crowded.Key)}. Received: "
                + $"{string.Join(" and ", crowded.Select(method => method.Id))}. Omit one of them.")
            : value;
    } = [];

    /// <summary>
    /// The first layers of <c>resnet18</c>, <c>resnet34</c>, <c>resnet50</c> and <c>resnet18-imagenet</c>; other networks have only one
    /// stem and ignore this option. Null, the default: chosen by the size of the images.
    /// </summary>
    public Stem? Stem { get; init; }

    /// <summary>Returns the method that acts at a point of every block, or null.</summary>
    internal BranchRegularizer? At(BranchPoint point) => Regularizers.SingleOrDefault(method => method.Point == point);

    /// <summary>Returns a description of a point, for messages.</summary>
    internal static string Named(BranchPoint point) => point == BranchPoint.End ? "the end of a branch" : "a feature in a block";
}
