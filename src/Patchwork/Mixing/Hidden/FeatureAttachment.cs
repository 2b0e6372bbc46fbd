using Patchwork.Imaging;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A feature mixer that is attached to a model. Set <see cref="Plan"/> before the forward pass of a batch: the output of the layer named in
/// the plan is mixed once. All other layers are unchanged, and nothing is mixed in evaluation mode.
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

    /// <summary>The method. Its strength can be changed from batch to batch; its layers stay those that it was attached to.</summary>
    internal FeatureMixer Mixer { get; set; }

    /// <summary>The plan for the current batch; null mixes nothing.</summary>
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

    /// <summary>The input for the model: mixed images when the plan's layer is the input, otherwise the images themselves.</summary>
    public Tensor Input(Tensor images) =>
        Plan is { Layer: FeatureMixer.Input } ? Mixed(FeatureMixer.Input, images, training: true) : images;

    /// <summary>The targets of the batch: pairs of labels with the λ of the plan.</summary>
    public PairTargets Targets(Tensor labels) =>
        PairTargets.Of(labels, Plan ?? throw new InvalidOperationException("Targets needs the plan of the batch. Set Plan first."));

    /// <summary>Detaches the method from the model.</summary>
    public void Dispose()
    {
        foreach (var hook in hooks)
            hook.remove();
        hooks.Clear();
    }

    // Not in place, because later layers may need the output for the gradient (clovaai/CutMix-PyTorch#5).
    private Tensor Mixed(string layer, Tensor features, bool training)
    {
        if (sizing)
            sizes[layer] = features.dim() == 4 ? ((int)features.size(2), (int)features.size(3))
                : throw new ArgumentException($"The layer '{layer}' must output features (N, C, H, W). Received: "
                    + $"({string.Join(", ", features.shape)}).");
        if (!training || Plan is not { ChangesPixels: true } plan || plan.Layer != layer || fired++ > 0)
            return features;
        using var scope = NewDisposeScope();
        var partners = RowIndex.Of(plan.Partners(), features.device);
        var masks = plan.Masks().to(features.dtype.Wide(), features.device);      // with the same λ as the labels
        var partner = features.index_select(0, partners);
        var mixed = plan.IsOfBoxes ? where(masks.gt(Held(0.5)), features, partner) : (masks * features).Plus(OneMinus(masks) * partner);
        return mixed.to(features.dtype).MoveToOuterDisposeScope();
    }

    private static nn.Module<Tensor, Tensor> Find(nn.Module<Tensor, Tensor> model, string layer)
    {
        if (model.named_modules().FirstOrDefault(module => module.name == layer).module is nn.Module<Tensor, Tensor> module)
            return module;
        string[] children = [.. model.named_children().Select(child => child.name)];
        throw new ArgumentException($"The layer must exist in the model. Received: "
            + $"'{layer}'.{(Nearest.Name(layer, [FeatureMixer.Input, .. children]) is { } near ? $" Did you mean '{near}'?" : "")} The "
            + $"model has {string.Join(", ", children)}.");
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
            throw new ArgumentException($"The layer '{silent}' is not run in the forward pass of the model. Name another layer.");
        }
    }
}
