using Patchwork.Formats;
using Patchwork.Regularization;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// A network from images (N, C, H, W) to logits (N, K). Its parameters are drawn from torch's default generator: seed it first.
/// </summary>
public abstract class ImageClassifier : nn.Module<Tensor, Tensor>, IOnnxLayer
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

    /// <summary>Adds the network to a graph in ONNX, images (N, C, H, W) in and logits (N, K) out, as it is in evaluation.</summary>
    public abstract OnnxValue Write(OnnxGraph graph, OnnxValue x);

    /// <summary>Names of the stages, modules that put out features (N, C, H, W), in the order in which they run; two or more.</summary>
    public abstract IReadOnlyList<string> StageNames { get; }

    /// <summary>
    /// Leaves the last linear layer alone to be trained, a linear probe: no other parameter takes a gradient, and BatchNorm and what drops
    /// at random work as in evaluation from now on.
    /// </summary>
    public void FreezeFeatures()
    {
        var trained = HeadNames.ToHashSet();
        foreach (var (name, parameter) in named_parameters())
            parameter.requires_grad = trained.Contains(name);
        frozen = true;
        eval();
    }

    /// <summary>Names of the parameters of the last linear layer.</summary>
    internal IEnumerable<string> HeadNames
    {
        get
        {
            var (name, head) = named_modules().Last(one => one.module is Linear);
            return head.named_parameters().Select(one => $"{name}.{one.name}");
        }
    }

    /// <summary>Lets every parameter be trained again after <see cref="FreezeFeatures"/>; the mode stays until it is set.</summary>
    public void Unfreeze()
    {
        foreach (var parameter in parameters())
            parameter.requires_grad = true;
        frozen = false;
    }

    /// <summary>True from <see cref="FreezeFeatures"/> to <see cref="Unfreeze"/>.</summary>
    public bool IsFrozen => frozen;

    /// <summary>
    /// True where BatchNorm normalizes by its running statistics in training too and leaves them as they are: for batches too small, or
    /// data too few, to measure them anew. Its scales and shifts are trained. Default false.
    /// </summary>
    public bool FrozenNorm { get; set; }

    /// <summary>Sets the mode of training or of evaluation; a network with frozen features stays in that of evaluation.</summary>
    public override void train(bool train = true)
    {
        base.train(train && !frozen);
        if (!FrozenNorm)
            return;
        foreach (var norm in modules().OfType<BatchNorm2d>())
            norm.eval();
    }

    /// <summary>True for a parameter behind the last stage that is registered before the stages. Default false.</summary>
    private protected virtual bool IsBehindStages(string parameter) => false;

    /// <summary>
    /// How deep a parameter lies: 0 before the first stage, then the stage's number from 1, and one more than the last behind it.
    /// </summary>
    internal IReadOnlyList<(Parameter Parameter, int Depth)> Depths()
    {
        var (stages, depths, depth) = (StageNames, new List<(Parameter, int)>(), 0);
        foreach (var (name, parameter) in named_parameters())
        {
            var stage = stages.TakeWhile(one => !name.StartsWith(one + ".", StringComparison.Ordinal)).Count() is var before
                && before < stages.Count ? before : -1;
            depth = stage >= 0 ? stage + 1 : depth > 0 || IsBehindStages(name) ? stages.Count + 1 : 0;
            depths.Add((parameter, depth));
        }
        return depths;
    }

    /// <summary>
    /// Convolutions from N(0, √(2/(k·k·out))), batch norm weight 1 and bias 0; the linear layer keeps torch's own uniform law. As in the
    /// CutMix authors' code.
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
