using Patchwork.Regularization;

namespace Patchwork.Models;

/// <summary>What acts inside a network while it trains. Every network takes every option; none adds weights or changes a parameter's name.</summary>
public sealed record ModelOptions
{
    /// <summary>ShakeDrop at the end of every branch; null, the default, for none. Not together with <see cref="StochasticDepth"/>.</summary>
    public ShakeDrop? ShakeDrop { get; init; }

    /// <summary>Stochastic depth at the end of every branch; null, the default, for none. Not together with <see cref="ShakeDrop"/>.</summary>
    public StochasticDepth? StochasticDepth { get; init; }

    /// <summary>DropBlock after every convolution (with its batch norm and ReLU) and on the shortcut of the last two stages; null, the default, for none.</summary>
    public DropBlock? DropBlock { get; init; }

    /// <summary>The method at the end of every branch.</summary>
    /// <exception cref="ArgumentException">There are two.</exception>
    internal BranchRegularizer? AtTheEnd => ShakeDrop is not null && StochasticDepth is not null
        ? throw new ArgumentException($"A branch ends with one method. Received: {nameof(ShakeDrop)} and {nameof(StochasticDepth)}. Leave one of them null.")
        : (BranchRegularizer?)ShakeDrop ?? StochasticDepth;
}
