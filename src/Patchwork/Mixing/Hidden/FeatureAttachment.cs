using Patchwork.Imaging;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A feature mixer at work in a model. Set <see cref="Plan"/> before the forward pass of a batch: the layer that it names mixes its output,
/// once; every other layer, and evaluation mode, are left alone.
/// </summary>
public sealed class FeatureAttachment : IDisposable
{
    private readonly Dictionary<string, (int Height, int Width)> sizes = [];
    private readonly List<nn.Module<Tensor, Tensor>.HookRemover> hooks = [];
    private readonly IReadOnlyList<string> layers;
    private int fired;
    private bool sizing;

    internal FeatureAttachment(FeatureMixer mixer, nn.Module<Tensor, Tensor> model, Tensor example)
    {
        (Mixer, layers) = (mixer, mixer.LayersOf(model));
        var modules = layers.Where(layer => layer != FeatureMixer.Input).Select(layer => (Layer: layer, Module: Find(model, layer)))
            .ToArray();
        foreach (var (layer, module) in modules)
            hooks.Add(module.register_forward_hook((_, _, output) => Mixed(layer, output, module.training)));
        sizes[FeatureMixer.Input] = ((int)example.size(2), (int)example.size(3));
        Probe(model, example);
    }

    /// <summary>The method, which may be given another strength from batch to batch; its layers stay those it was attached with.</summary>
    internal FeatureMixer Mixer { get; set; }

    /// <summary>The plan of the batch at hand; null mixes nothing.</summary>
    public MixPlan? Plan
    {
        get;
        set => (field, fired) = (value, 0);
    }

    /// <summary>Draws a plan for a batch of images: a layer, partners, a region of the layer's features and λ.</summary>
    public MixPlan Draw(Tensor images, Draws draws)
    {
        var layer = layers[draws.Integer(layers.Count)];
        var (height, width) = sizes[layer];
        return Mixer.Plan(layer, new MixContext((int)images.size(0), height, width, draws));
    }

    /// <summary>What the model is to be called with: mixed images when the plan names the input, the images themselves otherwise.</summary>
    public Tensor Input(Tensor images) =>
        Plan is { Layer: FeatureMixer.Input } ? Mixed(FeatureMixer.Input, images, training: true) : images;

    /// <summary>The targets of the batch: pairs of labels with the plan's λ.</summary>
    public PairTargets Targets(Tensor labels) =>
        PairTargets.Of(labels, Plan ?? throw new InvalidOperationException("Set the plan of the batch first."));

    /// <summary>Detaches: the model is plain again.</summary>
    public void Dispose()
    {
        foreach (var hook in hooks)
            hook.remove();
        hooks.Clear();
    }

    // Out of place: what lies behind a layer may need its output for the gradient
    // (clovaai/CutMix-PyTorch#5).
    private Tensor Mixed(string layer, Tensor features, bool training)
    {
        if (sizing)
            sizes[layer] = features.dim() == 4 ? ((int)features.size(2), (int)features.size(3))
                : throw new ArgumentException($"The layer '{layer}' must put out features (N, C, H, W). Received: "
                    + $"({string.Join(", ", features.shape)}).");
        if (!training || Plan is not { ChangesPixels: true } plan || plan.Layer != layer || fired++ > 0)
            return features;
        using var scope = NewDisposeScope();
        var partners = tensor(plan.Partners().Select(p => (long)p).ToArray(), device: features.device);
        var masks = plan.Masks().to(features.dtype.Wide(), features.device);      // λ as the labels have it
        var partner = features.index_select(0, partners);
        var mixed = plan.IsOfBoxes ? where(masks.gt(Held(0.5)), features, partner) : (masks * features).Plus(OneMinus(masks) * partner);
        return mixed.to(features.dtype).MoveToOuterDisposeScope();
    }

    private static nn.Module<Tensor, Tensor> Find(nn.Module<Tensor, Tensor> model, string layer)
    {
        if (model.named_modules().FirstOrDefault(module => module.name == layer).module is nn.Module<Tensor, Tensor> module)
            return module;
        string[] children = [.. model.named_children().Select(child => child.name)];
        throw new ArgumentException($"A layer must be one that the model has. Received: "
            + $"'{layer}'.{(Nearest.Name(layer, [FeatureMixer.Input, .. children]) is { } near ? $" Did you mean '{near}'?" : "")} It "
            + $"has {string.Join(", ", children)}.");
    }

    private void Probe(nn.Module<Tensor, Tensor> model, Tensor example)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var mode = new EvaluationMode(model);
        sizing = true;
        try
        {
            model.call(example.narrow(0, 0, 1));
        }
        catch
        {
            Dispose();
            throw;
        }
        finally
        {
            sizing = false;
        }
        if (layers.FirstOrDefault(layer => !sizes.ContainsKey(layer)) is { } silent)
        {
            Dispose();
            throw new ArgumentException($"The layer '{silent}' was not run by the model's forward pass. Name another.");
        }
    }
}
