using Patchwork.Regularization;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// A network from images (N, C, H, W) to logits (N, K). Its parameters are drawn from torch's default generator: seed it first.
/// </summary>
public abstract class ImageClassifier : nn.Module<Tensor, Tensor>
{
    private bool frozen;

    private protected ImageClassifier(ModelRequest request) : base(request.Id) =>
        (Id, Classes, Channels) = (request.Id, request.Classes, request.Channels);

    /// <summary>Name in the catalogue.</summary>
    public string Id { get; }

    /// <summary>K, the number of logits.</summary>
    public int Classes { get; }

    /// <summary>C, the channels of the input.</summary>
    public int Channels { get; }

    /// <summary>
    /// What every forward pass computes in: convolutions and matrix products of this type, logits float32. Range:
    /// <see cref="Precision.BFloat16"/> needs <see cref="Autocast.IsSupported"/>. Default <see cref="Precision.Float32"/>;
    /// <see cref="Precision.Auto"/> becomes what suits the device that the network is on.
    /// </summary>
    /// <exception cref="InputException">The loaded libtorch has no autocast functions.</exception>
    public Precision Precision
    {
        get;
        set => field = value switch
        {
            Precision.Auto => Autocast.Best(parameters().First().device),
            Precision.BFloat16 when !Autocast.IsSupported => throw new InputException(Autocast.Missing),
            _ => value,
        };
    } = Precision.Float32;

    /// <summary>
    /// The logits (N, K), owned by the caller: float32, or of the type of an <see cref="Autocast"/> scope of the caller's own.
    /// </summary>
    public sealed override Tensor forward(Tensor images)
    {
        if (Precision == Precision.Float32)
            return Logits(images);
        using var scope = NewDisposeScope();
        using var autocast = Autocast.To(Precision, images.device);
        return Logits(images).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>The forward pass itself; its result has the type that the last operation gives.</summary>
    private protected abstract Tensor Logits(Tensor images);

    /// <summary>Names of the stages, modules that put out features (N, C, H, W), in the order in which they run; two or more.</summary>
    public abstract IReadOnlyList<string> StageNames { get; }

    /// <summary>
    /// Leaves the last linear layer alone to be trained, a linear probe: no other parameter takes a gradient, and BatchNorm and what drops
    /// at random work as in evaluation from now on.
    /// </summary>
    public void FreezeFeatures()
    {
        var trained = modules().OfType<Linear>().Last().parameters().Select(parameter => parameter.Handle).ToHashSet();
        foreach (var parameter in parameters())
            parameter.requires_grad = trained.Contains(parameter.Handle);
        frozen = true;
        eval();
    }

    /// <summary>Sets the mode of training or of evaluation; a network with frozen features stays in that of evaluation.</summary>
    public override void train(bool train = true) => base.train(train && !frozen);

    /// <summary>
    /// Convolutions from N(0, √(2/(k·k·out))), batch norm weight 1 and bias 0; the linear layer keeps torch's own uniform law. As in
    /// the CutMix authors'
    /// code.
    /// </summary>
    private protected void Initialize()
    {
        using var noGradient = no_grad();
        foreach (var module in modules())
        {
            if (module is Conv2d { weight: { } weight })
                weight.normal_(0, Math.Sqrt(2.0 / (weight.size(0) * weight.size(2) * weight.size(3))));
            else if (module is BatchNorm2d { weight: { } scale, bias: { } shift })
            {
                scale.fill_(One);
                shift.fill_(Zero);
            }
        }
    }
}
