using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>DropBlock at one block of a network. One layer may serve several places: every call draws anew.</summary>
internal sealed class DropBlockLayer(DropBlock method, double dropProbability) : nn.Module<Tensor, Tensor>(nameof(DropBlock))
{
    /// <summary>Drop probability at the end of the training.</summary>
    public double DropProbability { get; } = dropProbability;

    /// <summary>How far the training is, in [0, 1].</summary>
    public double Progress { get; set; } = 1;

    /// <summary>Drop probability now.</summary>
    public double Current => method.Ramps ? DropProbability * Progress : DropProbability;

    public override Tensor forward(Tensor features)
    {
        if (!training || Current == 0)
            return features;
        using var scope = NewDisposeScope();
        var (height, width) = ((int)features.size(2), (int)features.size(3));
        var seeds = rand(method.SeedShape(features.shape), features.dtype, features.device)
            .lt(method.Gamma(height, width, Current)).to(features.dtype);
        return DropBlock.Apply(features, method.KeepMask(seeds, height, width)).MoveToOuterDisposeScope();
    }
}
