using Patchwork.Formats;
using Patchwork.Regularization;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>
/// A network that maps images (N, C, H, W) to logits (N, K). Its parameters are drawn from torch's default generator, so seed that first.
/// </summary>
public abstract class ImageClassifier : nn.Module<Tensor, Tensor>, IOnnxLayer
{
    private readonly ModelRequest request;
    private bool frozen;

    private protected ImageClassifier(ModelRequest request) : base(request.Id) =>
        (Id, Classes, Channels, this.request) = (request.Id, request.Classes, request.Channels, request);

    /// <summary>Name in the catalogue.</summary>
    public string Id { get; }

    /// <summary>K, the number of logits.</summary>
    public int Classes { get; }

    /// <summary>C, the number of input channels.</summary>
    public int Channels { get; }

    /// <summary>
    /// The precision of every forward pass: convolutions and matrix products use this type, and logits are float32. Range:
    /// <see cref="Precision.BFloat16"/> needs <see cref="Autocast.IsSupported"/>. Default <see cref="Precision.Float32"/>;
    /// <see cref="Precision.Auto"/> is replaced by the best precision for the network's device.
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
    /// Returns the logits (N, K), owned by the caller: float32, or the type of an <see cref="Autocast"/> scope that the caller has opened.
    /// </summary>
    public sealed override Tensor forward(Tensor images)
    {
        if (Precision == Precision.Float32)
            return Logits(images);
        using var scope = NewDisposeScope();
        using var autocast = Autocast.To(Precision, images.device);
        return Logits(images).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Runs the forward pass; the result has the type of the last operation.</summary>
    private protected abstract Tensor Logits(Tensor images);

    /// <summary>Global average pooling of the last feature map, (N, D, h, w) to (N, D), which <see cref="LastMap"/> gets first.</summary>
    private protected Tensor Pooled(Tensor map)
    {
        LastMap?.Invoke(map);
        return map.mean([2, 3]);
    }

    /// <summary>
    /// Receives the last feature map of every forward pass, (N, D, h, w), with its gradient history; the network owns it and disposes it
    /// after the pass. Null, the default: nothing is called.
    /// </summary>
    internal Action<Tensor>? LastMap { get; set; }

    /// <summary>The image size that the network was created for.</summary>
    internal int ImageSize => request.ImageSize;

    /// <summary>Creates a second network with the same weights, on the same device. The caller owns it.</summary>
    internal ImageClassifier Copy()
    {
        using var noGradient = no_grad();
        var copy = ModelZoo.Create(Id, Classes, Channels, request.ImageSize, request.Options);
        copy.to(parameters().First().device);
        var own = state_dict();
        foreach (var (name, value) in copy.state_dict())
            value.copy_(own[name]);
        copy.Precision = Precision;
        return copy;
    }

    /// <summary>The last linear layer.</summary>
    internal Linear Head => modules().OfType<Linear>().Last();

    /// <summary>Adds the network in evaluation mode to an ONNX graph, from images (N, C, H, W) to logits (N, K).</summary>
    public abstract OnnxValue Write(OnnxGraph graph, OnnxValue x);

    /// <summary>
    /// Whether the stages output feature maps (N, C, H, W), and the last linear layer follows global average pooling of the last of them.
    /// False for transformers, whose stages output tokens. Default true.
    /// </summary>
    public virtual bool HasFeatureMaps => true;

    /// <summary>
    /// Names of the stages, modules that output feature maps (N, C, H, W) or tokens (N, T, D), in the order in which they run; two or more.
    /// </summary>
    public abstract IReadOnlyList<string> StageNames { get; }

    /// <summary>
    /// Freezes everything except the last linear layer (a linear probe): no other parameter gets a gradient, and BatchNorm and random
    /// dropping behave as in evaluation from now on.
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

    /// <summary>
    /// Makes every parameter trainable again after <see cref="FreezeFeatures"/>. The mode does not change until <c>train</c> or
    /// <c>eval</c> is called.
    /// </summary>
    public void Unfreeze()
    {
        foreach (var parameter in parameters())
            parameter.requires_grad = true;
        frozen = false;
    }

    /// <summary>True after <see cref="FreezeFeatures"/> and until <see cref="Unfreeze"/>.</summary>
    public bool IsFrozen => frozen;

    /// <summary>
    /// Whether BatchNorm uses its running statistics in training too and does not update them, for batches or data sets that are too small
    /// to estimate new ones. Its scales and shifts are still trained. Default false.
    /// </summary>
    public bool FrozenNorm { get; set; }

    /// <summary>Sets training or evaluation mode; a network with frozen features stays in evaluation mode.</summary>
    public override void train(bool train = true)
    {
        base.train(train && !frozen);
        if (!FrozenNorm)
            return;
        foreach (var norm in modules().OfType<BatchNorm2d>())
            norm.eval();
    }

    /// <summary>True for a parameter that runs after the last stage but is registered before the stages. Default false.</summary>
    private protected virtual bool IsBehindStages(string parameter) => false;

    /// <summary>
    /// The depth of each parameter: 0 before the first stage, then the number of the stage from 1, and one more than the number of stages
    /// after the last stage.
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
    /// Initializes the parameters as in the CutMix authors' code: convolutions are normal with standard deviation √(2/(k·k·out)), batch
    /// norm has weight 1 and bias 0, and the linear layer keeps torch's uniform initialization.
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

    /// <summary>
    /// Initializes the parameters as vision transformers usually are: linear layers and positions are normal, with standard deviation 0.02
    /// for linear layers; biases are 0.
    /// </summary>
    /// <param name="positions">The embeddings of the positions.</param>
    /// <param name="deviation">The standard deviation of the positions.</param>
    private protected void InitializeTokens(Tensor positions, double deviation)
    {
        using var noGradient = no_grad();
        positions.normal_(0, deviation);
        foreach (var module in modules())
        {
            if (module is not Linear linear)
                continue;
            linear.weight!.normal_(0, 0.02);      // cut off at 100 standard deviations in timm, which has no effect
            linear.bias?.zero_();
        }
    }

    /// <exception cref="InputException">An option needs feature maps.</exception>
    private protected static void RequireTokens(ModelRequest request)
    {
        if (request.Options.At(BranchPoint.Features) is { } method)
            throw new InputException(ModelZoo.Misfit(request.Id, method)!);
    }
}
