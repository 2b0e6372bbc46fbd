using Patchwork.Regularization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>Builds the stages of a residual network from the number of blocks in each and the regularizers inside them.</summary>
internal sealed class Stages(ModelOptions options, params int[] blocks)
{
    /// <summary>
    /// Creates stage <paramref name="stage"/>, counted from 1. Its blocks are named 0, 1, 2, …; <paramref name="block"/> gets this number.
    /// </summary>
    public Sequential Build(int stage, Func<int, BlockInterior, nn.Module<Tensor, Tensor>> block)
    {
        var before = blocks.Take(stage - 1).Sum();
        BlockInterior Interior(int i) => new(options, new BlockPlace(before + i + 1, blocks.Sum(), stage, blocks.Length));
        return nn.Sequential([.. Enumerable.Range(0, blocks[stage - 1]).Select(i => ($"{i}", block(i, Interior(i))))]);
    }
}

/// <summary>The regularizers inside one block. Each call creates a layer, or returns null when nothing acts there.</summary>
internal readonly record struct BlockInterior(ModelOptions Options, BlockPlace Place)
{
    /// <summary>Creates the layer for the end of the branch.</summary>
    public nn.Module<Tensor, Tensor>? End() => Options.At(BranchPoint.End)?.LayerAt(Place);

    /// <summary>Creates the layer for the features after each convolution and on the shortcut.</summary>
    public nn.Module<Tensor, Tensor>? Features() => Options.At(BranchPoint.Features)?.LayerAt(Place);
}
