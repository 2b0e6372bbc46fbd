using Patchwork.Internals;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// What a mixer with learned masks trains beside the classifier: the block that computes masks, and a copy of the classifier that follows
/// it slowly (the momentum encoder), from whose features the masks are computed and by whose loss they are trained. As a module it is the
/// copy: images (N, C, H, W) to logits (N, K), in evaluation mode.
/// </summary>
public sealed class MaskNetwork : nn.Module<Tensor, Tensor>, IMaskSource
{
    private readonly MaskSettings settings;
    private readonly ImageClassifier encoder;
    private readonly MixBlock block;
    private readonly string layer;

    internal MaskNetwork(MaskSettings settings, ImageClassifier classifier) : base(nameof(MaskNetwork))
    {
        this.settings = settings;
        var stages = classifier.StageNames;
        layer = settings.Stage <= stages.Count ? stages[settings.Stage - 1]
            : throw new InputException($"The mask stage must be one of the {stages.Count} stages of {classifier.Id}. Received: "
                + $"{settings.Stage}.");
        encoder = classifier.Copy();
        encoder.eval();
        foreach (var parameter in encoder.parameters())
            parameter.requires_grad = false;
        block = new MixBlock(Channels(classifier));
        RegisterComponents();
        this.to(classifier.parameters().First().device);
    }

    /// <summary>The block that is trained.</summary>
    public nn.Module Block => block;

    /// <inheritdoc/>
    public override Tensor forward(Tensor images) => encoder.call(images);

    /// <summary>Sets the mode of the block only: the copy is always in evaluation mode.</summary>
    public override void train(bool train = true) => block.train(train);

    /// <summary>Computes the features of images once, for any number of masks. The caller owns the result.</summary>
    /// <param name="images">Images (N, C, H, W), not mixed; they stay the caller's and must not change while the result is used.</param>
    public SeenImages See(Tensor images)
    {
        using var scope = NewDisposeScope();
        return new(block, images, LayerFeatures.Of(encoder, images, layer).to(ScalarType.Float32).DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    /// <remarks>The masks have a gradient with respect to <see cref="Block"/> unless gradients are off.</remarks>
    public Tensor Masks(Tensor images, IReadOnlyList<int> partners, IReadOnlyList<double> lambdas)
    {
        using var seen = See(images);
        return seen.Masks(images, partners, lambdas);
    }

    /// <summary>
    /// Computes the loss of the masks for one pair of λ and partners: the copy's loss of the mixed images, and how far the mean of each
    /// mask is from λ beyond the margin. Its gradient reaches <see cref="Block"/> only. The caller owns the result, a scalar.
    /// </summary>
    /// <param name="seen">Images that are not mixed, from <see cref="See"/>.</param>
    /// <param name="labels">Class ids (N) or distributions (N, K).</param>
    /// <param name="loss">The loss of one label.</param>
    /// <param name="draws">The stream of λ and the partners.</param>
    /// <param name="alpha">α of λ; null: that of the method.</param>
    public Tensor Loss(SeenImages seen, Tensor labels, Loss loss, Draws draws, double? alpha = null)
    {
        using var scope = NewDisposeScope();
        var images = seen.Images;
        var lambda = draws.Beta(alpha ?? settings.Alpha, alpha ?? settings.Alpha);
        var partners = draws.Permutation((int)images.size(0));
        double[] lambdas = [.. Enumerable.Repeat(lambda, partners.Length)];
        var masks = seen.Masks(images, partners, lambdas);
        var rows = RowIndex.Of(partners, images.device);
        var mixed = (masks * images).Plus(OneMinus(masks) * images.index_select(0, rows));
        var targets = new PairTargets(labels, labels.index_select(0, rows), lambdas);
        var ofClasses = targets.Loss(encoder.call(mixed), loss);
        return ofClasses.Plus(AreaLoss(masks, lambda) * Held(settings.AreaWeight)).MoveToOuterDisposeScope();
    }

    /// <summary>The mean of max(|mean(M) - λ| - margin, 0) over masks (N, 1, H, W).</summary>
    internal Tensor AreaLoss(Tensor masks, double lambda) =>
        nn.functional.relu(masks.mean([1, 2, 3]).Plus(-lambda).abs().Plus(-settings.AreaMargin)).mean();

    /// <summary>
    /// Moves the copy towards the classifier, <c>w ← m·w + (1-m)·w_classifier</c>; statistics of BatchNorm are taken over. Call it after
    /// every step of the classifier's optimizer.
    /// </summary>
    public void Follow(ImageClassifier classifier)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (own, other) in encoder.parameters().Zip(classifier.parameters()))
            own.add_(other - own, Held(1 - settings.Momentum));
        foreach (var (own, other) in encoder.buffers().Zip(classifier.buffers()))
            own.copy_(other);
    }

    private long Channels(ImageClassifier classifier)
    {
        using var scope = NewDisposeScope();
        var device = classifier.parameters().First().device;
        using var image = zeros(1, classifier.Channels, classifier.ImageSize, classifier.ImageSize, device: device);
        return LayerFeatures.Of(classifier, image, layer).size(1);
    }
}

/// <summary>The options of a <see cref="MaskNetwork"/>.</summary>
/// <param name="Stage">Stage whose features the masks are computed from, counted from 1.</param>
/// <param name="Alpha">α of λ ~ Beta(α, α).</param>
/// <param name="Momentum">Share of its weights that the copy keeps in a step.</param>
/// <param name="AreaWeight">Weight of the loss of the masks' area.</param>
/// <param name="AreaMargin">How far the mean of a mask may be from λ without a loss.</param>
internal sealed record MaskSettings(int Stage, double Alpha, double Momentum, double AreaWeight, double AreaMargin);
