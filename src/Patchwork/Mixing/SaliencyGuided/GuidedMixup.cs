using Patchwork.Plans;
using Patchwork.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// GuidedMixup (Kang and Kim, "GuidedMixup: An Efficient Mixup Strategy Guided by Saliency Maps", AAAI 2023, arXiv 2306.16612): every pixel
/// is blended by how salient it is in the two images, <c>M = s_a/(s_a + s_b)</c>, and images are paired so that their salient parts lie in
/// different places. λ' = mean(M); no λ is drawn. Saliency is computed by <see cref="SpectralResidual"/>.
/// </summary>
public sealed record GuidedMixup : Mixer
{
    /// <summary>Probability that a batch is mixed. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>How the images are paired. Default <see cref="GuidedPairing.Greedy"/>.</summary>
    public GuidedPairing Pairing { get; init; } = GuidedPairing.Greedy;

    /// <inheritdoc/>
    public override string Id => "guidedmixup";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Images;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => ["λ counted in pixels", Pairing == GuidedPairing.Greedy
        ? "paired by saliency" : "paired at random"];

    /// <inheritdoc/>
    public override Mixer WithStrengths(double? alpha, double? probability) => this with { Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override Mixer ForEveryImage() => this with { Probability = 1 };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var (height, width) = (context.Height, context.Width);
        if (!context.Draws.Bernoulli(Probability))
            return MixPlan.Identity(Id, context.Count, height, width, context.Draws.Id);
        using var scope = NewDisposeScope();
        var maps = SpectralResidual.Of(context.Pixels(Id)).flatten(1).cpu();      // (N, H·W)
        var partners = Pairing == GuidedPairing.Random
            ? Mixing.Pairing.Draw(Partners.Derangement, Scope.Batch, context.Count, context.Draws)
            : Farthest(cdist(maps, maps).data<float>().ToArray(), context.Count);
        var values = maps.contiguous().data<float>().ToArray();
        return new MixPlan(Id, height, width, [.. partners.Select(Mixed)], context.Draws.Id);

        ImagePlan Mixed(int partner, int i)
        {
            if (partner == i)      // a batch of one
                return Dice.Unmixed(i);
            var (own, other, weights) = (i * height * width, partner * height * width, new float[height * width]);
            for (var pixel = 0; pixel < weights.Length; pixel++)
                weights[pixel] = values[own + pixel] / (values[own + pixel] + values[other + pixel]);
            var region = new MaskRegion(weights);
            var lambda = region.KeptShare(height, width);
            return new ImagePlan(partner, region, lambda, lambda);
        }
    }

    /// <summary>
    /// The greedy cycle: begins with the pair that is farthest apart, continues from each image to the farthest that is left, and closes.
    /// </summary>
    /// <param name="distances">Distances between the images, N·N, row by row.</param>
    /// <param name="count">N.</param>
    /// <returns>The next image of each image in the cycle.</returns>
    internal static int[] Farthest(float[] distances, int count)
    {
        var next = new int[count];
        var left = Enumerable.Range(0, count).ToList();
        var first = count < 2 ? 0 : Enumerable.Range(0, count * count).MaxBy(pair => distances[pair]) / count;
        var now = first;
        left.Remove(first);
        while (left.Count > 0)
        {
            var from = now;
            now = next[from] = left.MaxBy(image => distances[from * count + image]);
            left.Remove(now);
        }
        next[now] = first;
        return next;
    }
}

/// <summary>How GuidedMixup pairs the images of a batch.</summary>
public enum GuidedPairing
{
    /// <summary>
    /// One cycle through the batch, from each image to the one left whose saliency map is farthest (L2), which the paper calls pairing.
    /// </summary>
    Greedy,

    /// <summary>A random cyclic order, as in the authors' faster variant.</summary>
    Random,
}
