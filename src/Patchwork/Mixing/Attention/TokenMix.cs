using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// TokenMix (Liu et al., "TokenMix: Rethinking Image Mixing for Data Augmentation in Vision Transformers", ECCV 2022, arXiv 2207.08409):
/// replaces tokens of a transformer, in several random blocks, and weighs each label by how much of its image's attention is visible,
/// <c>λ_a = Σ S_a⊙M</c>, <c>λ_b = Σ S_b⊙(1-M)</c>, where S is the map of the unmixed image, with a sum of 1. λ_a + λ_b need not be 1.
/// </summary>
// Differs from the paper: S is the network's own attention in an extra forward pass, as in OpenMixup, and not the stored map of a larger
// teacher.
public sealed record TokenMix : Mixer
{
    private const int Tries = 10;
    private const double LeastAspect = 0.3;

    /// <summary>Probability that a batch is mixed. Range [0, 1]. Default 1.</summary>
    public double Probability { get; init => field = Options.Probability(value); } = 1;

    /// <summary>λ, the share of the tokens that the image keeps before <see cref="Extra"/>. Range [0, 1]. Default 0.5.</summary>
    public double KeptTokens { get; init => field = Options.Share(value, "kept tokens"); } = 0.5;

    /// <summary>
    /// Share of the tokens that is replaced in addition. Range [0, 1]. Default 1/14: 14 of 196 tokens, as in the authors' code, so that 112
    /// of 196 tokens are the partner's.
    /// </summary>
    public double Extra { get; init => field = Options.Share(value, "extra"); } = 1.0 / 14;

    /// <summary>How the replaced tokens are chosen. Default <see cref="TokenChoice.Blocks"/>.</summary>
    public TokenChoice Choice { get; init; } = TokenChoice.Blocks;

    /// <inheritdoc/>
    public override string Id => "tokenmix";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Model;

    /// <inheritdoc/>
    public override NetworkNeed NetworkNeed => NetworkNeed.Attention;

    /// <inheritdoc/>
    public override bool LabelsByArea => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Facts => [FormattableString.Invariant($"{1 - KeptTokens + Extra:0.00} of the tokens replaced"),
        "labels by the attention of the unmixed images"];

    /// <inheritdoc/>
    public override Mixer WithStrengths(double? alpha, double? probability) => this with { Probability = probability ?? Probability };

    /// <inheritdoc/>
    public override Mixer ForEveryImage() => this with { Probability = 1 };

    /// <inheritdoc/>
    public override MixPlan Plan(MixContext context)
    {
        var (draws, height, width) = (context.Draws, context.Height, context.Width);
        if (!draws.Bernoulli(Probability))
            return MixPlan.Identity(Id, context.Count, height, width, draws.Id);
        using var scope = NewDisposeScope();
        var (images, _, model) = context.Network(Id);
        var attention = AttentionMap.AtPatches(model, images).to(ScalarType.Float64).cpu().contiguous();      // (N, h, w)
        var (down, across) = ((int)attention.size(1), (int)attention.size(2));
        var (maps, tokens) = (attention.data<double>().ToArray(), down * across);
        var replaced = Replaced(down, across, draws);
        var region = new MaskRegion([.. Enumerable.Range(0, height * width)
            .Select(i => replaced[i / width * down / height * across + i % width * across / width] ? 0f : 1f)]);
        var partners = Pairing.Draw(Partners.Derangement, Scope.Batch, context.Count, draws);
        return new MixPlan(Id, height, width, [.. partners.Select((partner, i) => partner == i ? Dice.Unmixed(i)
            : new ImagePlan(partner, region, KeptTokens, 1 - Share(i)) { PartnerWeight = Share(partner) })], draws.Id);

        // The share of an image's attention at the replaced tokens; their share of all tokens where there is no attention at all.
        double Share(int image)
        {
            var (inside, all) = (0.0, 0.0);
            for (var token = 0; token < tokens; token++)
            {
                all += maps[image * tokens + token];
                inside += replaced[token] ? maps[image * tokens + token] : 0;
            }
            return all > 0 && double.IsFinite(all) ? Math.Clamp(inside / all, 0, 1) : replaced.Count(one => one) / (double)tokens;
        }
    }

    /// <summary>Draws the tokens that are replaced, row by row; blocks can leave a few fewer than the wanted number.</summary>
    internal bool[] Replaced(int down, int across, Draws draws)
    {
        var (tokens, replaced) = (down * across, new bool[down * across]);
        // A small term, because 14/196 of 196 tokens must be 14 in floating-point numbers too.
        int Whole(double share) => (int)(share * tokens + 1e-9);
        var left = Math.Min(tokens, Whole(1 - KeptTokens) + Whole(Extra));
        if (Choice == TokenChoice.Single)
        {
            foreach (var token in draws.Permutation(tokens).Take(left))
                replaced[token] = true;
            return replaced;
        }
        for (var tries = 0; left > 0 && tries < Tries; tries++)
        {
            var (area, aspect) = (draws.Uniform(1, left), Math.Exp(draws.Uniform(Math.Log(LeastAspect), -Math.Log(LeastAspect))));
            var (rows, columns) = ((int)Math.Round(Math.Sqrt(area * aspect)), (int)Math.Round(Math.Sqrt(area / aspect)));
            if (rows > down || columns > across)
                continue;
            var block = Block(draws.Integer(down - rows + 1), draws.Integer(across - columns + 1), rows, columns);
            var fresh = block.Count(token => !replaced[token]);
            if (fresh == 0 || fresh > left)
                continue;
            foreach (var token in block)
                replaced[token] = true;
            (left, tries) = (left - fresh, -1);
        }
        return replaced;

        int[] Block(int top, int first, int rows, int columns) =>
            [.. Enumerable.Range(0, rows * columns).Select(i => (top + i / columns) * across + first + i % columns)];
    }
}

/// <summary>How TokenMix chooses the tokens that it replaces.</summary>
public enum TokenChoice
{
    /// <summary>
    /// Blocks of random area and aspect ratio (log-uniform from 0.3 to 1/0.3), until enough tokens are replaced or ten in a row do not fit.
    /// </summary>
    Blocks,

    /// <summary>Single tokens, all equally likely.</summary>
    Single,
}
