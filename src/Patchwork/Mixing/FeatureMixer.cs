using Patchwork.Models;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// A method that mixes the hidden features of two samples at the output of a layer: <c>h = M⊙h_a + (1-M)⊙h_b</c>, targets with the same
/// λ.
/// <see cref="Attach"/> names the layers of any model; nothing is mixed in evaluation mode.
/// </summary>
/// <example><code>
/// using var attached = new ManifoldMixup().Attach(model, images);
/// attached.Plan = attached.Draw(images, draws);                         // once a batch
/// using var loss = attached.Targets(labels).Loss(model.call(attached.Input(images)), new CrossEntropy());
/// </code></example>
public abstract record FeatureMixer : IMethod
{
    /// <summary>The name of the input among <see cref="Layers"/>.</summary>
    public const string Input = "input";

    /// <summary>Parameter of λ ~ Beta(α, α). Range: positive.</summary>
    public abstract double Alpha { get; init; }

    /// <summary>Chance that a batch is mixed. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>How partners are found. Default <see cref="Partners.Permutation"/>.</summary>
    public Partners Partners { get; init; } = Partners.Permutation;

    /// <summary>
    /// Names of the layers, one of which is chosen for each batch, each as likely; <see cref="Input"/> is the images themselves. Range: one
    /// or more names.
    /// Default: the method's stages, by the names that the network of the catalogue has for them, <c>layer1</c>, <c>layer2</c> and so on
    /// for any other.
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

    /// <summary>
    /// Attaches to a model's layers by name. Sizes of the features are learned by one pass of an image in evaluation mode, which leaves the
    /// model as it was.
    /// Dispose of the result to have the plain model back; the model stays the caller's.
    /// </summary>
    /// <param name="model">Any model whose layers run by <c>call</c>.</param>
    /// <param name="example">Images (N, C, H, W); the first one is looked at.</param>
    /// <exception cref="ArgumentException">The model has no layer of that name, and the nearest one is offered, or its output is no map of
    /// features (N, C, H, W).</exception>
    public FeatureAttachment Attach(nn.Module<Tensor, Tensor> model, Tensor example) => new(this, model, example);

    /// <summary>The layers that are meant in a model: those that were set, or the method's own stages of it.</summary>
    internal IReadOnlyList<string> LayersOf(nn.Module<Tensor, Tensor> model) =>
        layers ?? LayersAmong(model is ImageClassifier known ? known.StageNames : UsualStages);

    /// <summary>The method's own choice among the stages of a network, named in the order in which they run.</summary>
    protected abstract IReadOnlyList<string> LayersAmong(IReadOnlyList<string> stages);

    /// <summary>Draws a plan for features of one layer; its height and width are those of the features.</summary>
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

    /// <summary>Draws the region, λ as drawn and λ of the label for a batch.</summary>
    protected abstract DrawnRegion Draw(MixContext context);
}
