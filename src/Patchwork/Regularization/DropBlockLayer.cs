using Patchwork.Formats;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// DropBlock in one block of a network. The same layer can be used at several places of the block: every call draws a new mask.
/// </summary>
internal sealed class DropBlockLayer(DropBlock method, BlockPlace place) : BranchLayer(method, place)
{
    public override Tensor forward(Tensor features)
    {
        if (!training || DropProbability == 0)
            return features;
        using var scope = NewDisposeScope();
        var (height, width) = ((int)features.size(2), (int)features.size(3));
        var seeds = TorchDraws.UniformOfImages(method.SeedShape(features.shape), features.dtype, features.device)
            .lt(Held(method.Gamma(height, width, DropProbability))).to(features.dtype.Wide());
        var whole = method.KeepMask(seeds, height, width);
        return DropBlock.Apply(features, TorchDraws.Own(whole), whole).MoveToOuterDisposeScope();
    }

    public override OnnxValue Write(OnnxGraph graph, OnnxValue x) => x;
}
