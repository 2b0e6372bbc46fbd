using Patchwork.Regularization;

namespace Patchwork.Models;

/// <summary>
/// What acts inside a network while it trains. Every network takes every option; none changes a parameter's name.
/// </summary>
public sealed record ModelOptions
{
    /// <summary>
    /// ShakeDrop, stochastic depth, DropBlock or others, each where its <see cref="BranchRegularizer.Point"/> says; at most one at each
    /// point. Default: none.
    /// </summary>
    /// <exception cref="ArgumentException">Two act at one point.</exception>
    public IReadOnlyList<BranchRegularizer> Regularizers
    {
        get;
        init => field = value.GroupBy(method => method.Point).FirstOrDefault(point => point.Count() > 1) is { } crowded
            ? throw new ArgumentException($"There is one method for {Named(crowded.Key)}. Received: "
                + $"{string.Join(" and ", crowded.Select(method => method.Id))}. Leave one of them out.")
            : value;
    } = [];

    /// <summary>
    /// The first layers of <c>resnet18</c>, <c>resnet34</c>, <c>resnet50</c> and <c>resnet18-imagenet</c>; other networks have one kind and
    /// ignore it. Null, the default: by the size of the images.
    /// </summary>
    public Stem? Stem { get; init; }

    /// <summary>The method at a point of every block, or null.</summary>
    internal BranchRegularizer? At(BranchPoint point) => Regularizers.SingleOrDefault(method => method.Point == point);

    /// <summary>A point in words.</summary>
    internal static string Named(BranchPoint point) => point == BranchPoint.End ? "the end of a branch" : "a feature in a block";
}
