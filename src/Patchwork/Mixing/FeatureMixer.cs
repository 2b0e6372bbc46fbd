using Patchwork.Models;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A method that mixes the hidden features of two samples at the output of a layer, <c>h = M⊙h_a + (1-M)⊙h_b</c>, and their targets with
/// the same λ. <see cref="Attach"/> attaches it to layers of any model by name; nothing is mixed in evaluation mode.
/// </summary>
/// <example><code>
/// using var attached = new ManifoldMixup().Attach(model, images);
/// attached.Plan = attached.Draw(images, draws);                         // once per batch
/// using var loss = attached.Targets(labels).Loss(model.call(attached.Input(images)), new CrossEntropy());
/// </code></example>
public abstract record FeatureMixer : IMethod
{
    /// <summary>The name in <see cref="Layers"/> that stands for the input images.</summary>
    public const string Input = "input";

    /// <summary>Parameter of λ ~ Beta(α, α). Range: positive.</summary>
    public abstract double Alpha { get; init; }

    /// <summary>Probability that a batch is mixed. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>How partners are chosen. Default <see cref="Partners.Permutation"/>.</summary>
    public Partners Partners { get; init; } = Partners.Permutation;

    /// <summary>
    /// Names of the layers to choose from; one is drawn for each batch, all equally likely. <see cref="Input"/> stands for the images
    /// themselves. Range: one or more names. Default: the method's usual stages, under the names that they have in a network of the
    /// catalogue; for any other model <c>layer1</c>, <c>layer2</c> and so on.
    /// </summary>
    public IReadOnlyList<string> Layers
    {
        get => layers ?? LayersAmong(UsualStages);
        init => layers = value.Count > 0 && !value.Any(string.IsNullOrWhiteSpace) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                $"layers must be one or more names. Received: {string.Join(",", value)}.");
    }

    private static readonly string[] UsualStages = ["layer1", "layer2", "layer3", "layer4"];
    private readonly IReadOnlyList<string>? layers;

    /// <inheritdoc/>
    public abstract string Id { get; }

    /// <inheritdoc/>
    public NetworkNeed NetworkNeed => NetworkNeed.FeatureMaps;

    /// <summary>
    /// Attaches the method to layers of a model by name. The sizes of the features are determined by one forward pass of an image in
    /// evaluation mode, which leaves the model unchanged. Dispose the result to detach; the caller keeps ownership of the model.
    /// </summary>
    /// <param name="model">Any model whose layers are run by <c>call</c>.</param>
    /// <param name="example">Images (N, C, H, W); only the first one is used.</param>
    /// <exception cref="ArgumentException">
    /// The model has no layer of that name (the message suggests the nearest one), or the output of the layer is not a feature map
    /// (N, C, H, W).
    /// </exception>
    public FeatureAttachment Attach(nn.Module<Tensor, Tensor> model, Tensor example) => new(this, model, example);

    /// <summary>The layers used in a model: those that were set, or the method's usual stages of this model.</summary>
    internal IReadOnlyList<string> LayersOf(nn.Module<Tensor, Tensor> model) =>
        layers ?? LayersAmong(model is ImageClassifier known ? known.StageNames : UsualStages);

    /// <summary>The method's default layers, chosen from the stages of a network; stages are in the order in which they run.</summary>
    protected abstract IReadOnlyList<string> LayersAmong(IReadOnlyList<string> stages);

    /// <summary>Draws a plan for the features of one layer; the plan's height and width are those of the features.</summary>
    internal MixPlan Plan(string layer, MixContext context)
    {
        var draws = context.Draws;
        if (!draws.Bernoulli(Probability))
            return MixPlan.Identity(Id, context.Count, context.Height, context.Width, draws.Id) with { Layer = layer };
        var (region, lambda, label) = Draw(context);
        var partners = Pairing.Draw(Partners, Scope.Batch, context.Count, draws);
        return new MixPlan(Id, context.Height, context.Width,
            [.. partners.Select(partner => new ImagePlan(partner, region, lambda, label))], draws.Id)
        { Layer = layer };
    }

    /// <summary>Draws the region, λ and the λ of the label for a batch.</summary>
    protected abstract DrawnRegion Draw(MixContext context);
}
