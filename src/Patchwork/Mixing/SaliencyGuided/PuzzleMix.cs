using Patchwork.Plans;
using Patchwork.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// PuzzleMix (Kim, Choo and Song, "Puzzle Mix: Exploiting Saliency and Local Statistics for Optimal Mixup", ICML 2020, arXiv 2009.06962):
/// cuts two images into blocks and shows each block from one image, from the other or as a blend, so that little saliency is hidden and
/// neighbouring blocks fit together. Then the blocks of each image move so that more of its saliency is visible:
/// <c>x = z⊙Π_a(x_a) + (1-z)⊙Π_b(x_b)</c>, λ' = mean(z).
/// </summary>
public sealed record PuzzleMix : BetaMixer
{
    /// <summary>
    /// Numbers of blocks along a side; one is drawn from those that divide both sides of the image. Range: 1 to 16 each. Default 2, 4, 8,
    /// 16.
    /// </summary>
    public IReadOnlyList<int> BlockCounts
    {
        get;
        init => field = value.Count > 0 && value.All(count => count is >= 1 and <= MostBlocks) ? value
            : throw new ArgumentOutOfRangeException(nameof(value),
                $"block counts must lie in [1, {MostBlocks}]. Received: {string.Join(", ", value)}.");
    } = [2, 4, 8, 16];

    /// <summary>Number of values that z can take, evenly spaced from 0 to 1. Range [2, 5]. Default 3: 0, ½ and 1.</summary>
    public int Levels
    {
        get;
        init => field = value is >= 2 and <= 5 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"levels must lie in [2, 5]. Received: {value}.");
    } = 3;

    /// <summary>β, cost of neighbouring blocks with different z. Range: 0 or more. Default 1.2.</summary>
    public double Smoothness { get; init => field = Costs(value, "smoothness"); } = 1.2;

    /// <summary>
    /// γ, how much the cost of neighbouring blocks with different z grows where the images differ at their border. Range [0, 1], so that no
    /// cost is negative. Default 0.5.
    /// </summary>
    public double DataSmoothness { get; init => field = Options.Share(value, "data smoothness"); } = 0.5;

    /// <summary>η, weight of the prior that pulls the mean of z towards λ. Range: 0 or more. Default 0.2.</summary>
    public double Prior { get; init => field = Costs(value, "prior"); } = 0.2;

    /// <summary>
    /// Maximum number of pixels on each side of a border that are averaged before they are compared; the largest divisor of a block's side
    /// up to this value is used. Range: at least 1. Default 4.
    /// </summary>
    public int BorderWidth { get; init => field = Pixels(value, "border width"); } = 4;

    /// <summary>Whether blocks move. Default true.</summary>
    public bool Transport { get; init; } = true;

    /// <summary>
    /// Minimum side of a moving block in pixels: larger blocks move in parts, at most 16 along a side of the image. Range: at least 1.
    /// Default 4.
    /// </summary>
    public int TransportSide { get; init => field = Pixels(value, "transport side"); } = 4;

    /// <summary>Cost of moving a block, per squared distance in units of the image's side. Range: 0 or more. Default 0.8.</summary>
    public double TransportCost { get; init => field = Costs(value, "transport cost"); } = 0.8;

    /// <inheritdoc/>
    public override string Id => "puzzlemix";

    /// <inheritdoc/>
    public override Needs Needs => Needs.Model;

    internal const int MostBlocks = 16;

    /// <inheritdoc/>
    /// <exception cref="InputException">No block count divides the sides of the images.</exception>
    public override MixPlan Plan(MixContext context)
    {
        var (height, width) = (context.Height, context.Width);
        int[] counts = [.. BlockCounts.Where(count => height % count == 0 && width % count == 0)];
        if (counts.Length == 0)
            throw new InputException($"puzzlemix needs images whose sides are divisible by one of {string.Join(", ", BlockCounts)}. "
                + $"Received: images of {height}×{width} pixels. Choose another image size.");
        using var scope = NewDisposeScope();
        var (images, classes, model) = context.Network(Id);
        var (partners, drawn) = Dice.Throw(this, context, _ => Alpha, alpha =>
            new Drawn(context.Draws.Beta(alpha, alpha), counts[context.Draws.Integer(counts.Length)]));
        var plans = partners.Select((_, i) => Dice.Unmixed(i)).ToArray();
        int[] mixed = [.. plans.Index().Where(plan => drawn[plan.Index] is not null).Select(plan => plan.Index)];
        if (mixed.Length > 0)
        {
            var saliency = InputGradient.Of(model, images, classes);
            foreach (var group in mixed.GroupBy(i => drawn[i]!.Blocks))
                Solve(PuzzlePieces.Of(images, saliency, partners, group.Key, this), [.. group]);
        }
        return new MixPlan(Id, height, width, plans, context.Draws.Id);

        // The puzzles of the images are independent.
        void Solve(PuzzlePieces pieces, int[] rows) =>
            Parallel.ForEach(rows, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, i =>
        {
            var region = Region(pieces, i, partners[i], drawn[i]!.Lambda);
            plans[i] = new ImagePlan(partners[i], region, drawn[i]!.Lambda, region.KeptShare(height, width));
        });
    }

    private TransportRegion Region(PuzzlePieces pieces, int row, int partner, double lambda)
    {
        var labels = Grid(pieces, row, partner, lambda).Minimize();
        var (coarse, fine) = (pieces.Side, pieces.TransportSide);
        var weights = new float[fine * fine];
        for (var j = 0; j < weights.Length; j++)
            weights[j] = 1 - labels[j / fine * coarse / fine * coarse + j % fine * coarse / fine] / (Levels - 1f);
        var stay = Enumerable.Range(0, weights.Length).ToArray();
        if (!Transport)
            return new TransportRegion(fine, weights, stay, stay);
        return new TransportRegion(fine, weights, Moves(pieces.FineSaliency[row], [.. weights.Select(z => z > 0)], fine),
            Moves(pieces.FineSaliency[partner], [.. weights.Select(z => z < 1)], fine));
    }

    // Label l means z = 1 - l/(L-1): the visible share of one image hides the same share of the other's saliency (equations 3 and 4).
    private LabelGrid Grid(PuzzlePieces pieces, int row, int partner, double lambda)
    {
        var side = pieces.Side;
        var beta = Smoothness / side / 16;
        double[] hiddenByPartner = [.. pieces.Saliency[row]], hiddenByOwn = [.. pieces.Saliency[partner]];
        double[] Weights(PictureBorders borders, Func<int, int> first, int step)
        {
            var (ownOwn, ownPartner, partnerOwn, partnerPartner) = borders.Of(row, partner);
            var weights = new double[ownOwn.Length];
            for (var k = 0; k < weights.Length; k++)
            {
                // There are four costs, one for each choice at the two blocks. Half of each goes to the blocks themselves; the rest is the
                // cost of different choices and belongs to the pair.
                var (p, q, half) = (first(k), first(k) + step, beta * DataSmoothness / 2);
                hiddenByOwn[p] += half * (ownPartner[k] + ownOwn[k]);
                hiddenByOwn[q] += half * (partnerOwn[k] + ownOwn[k]);
                hiddenByPartner[p] += half * (partnerOwn[k] + partnerPartner[k]);
                hiddenByPartner[q] += half * (ownPartner[k] + partnerPartner[k]);
                weights[k] = beta + half * (ownPartner[k] + partnerOwn[k] - ownOwn[k] - partnerPartner[k]);
            }
            return weights;
        }
        var down = Weights(pieces.Below, k => k, side);
        var across = Weights(pieces.Beside, k => k / Math.Max(side - 1, 1) * side + k % Math.Max(side - 1, 1), 1);
        double[] Unary(int label)
        {
            var z = 1 - label / (Levels - 1.0);
            var prior = Prior * Unlikeliness(label, lambda) / (side * side);
            return [.. hiddenByOwn.Zip(hiddenByPartner, (own, other) => z * own + (1 - z) * other + prior)];
        }
        return new LabelGrid(side, [.. Enumerable.Range(0, Levels).Select(Unary)], down, across);
    }

    // -log of the binomial probability that l of L-1 parts are the partner's.
    private double Unlikeliness(int label, double lambda)
    {
        var (parts, ways) = (Levels - 1, 1.0);
        for (var k = 0; k < label; k++)
            ways = ways * (parts - k) / (k + 1);
        return -Math.Log(ways * Math.Pow(lambda, parts - label) * Math.Pow(1 - lambda, label) + 1e-8);
    }

    // Equation 6: the permutation with short moves that brings saliency to visible places. Returns the source block of each place.
    // Differs from the paper's code, which resolves conflicts in a fixed number of rounds and may leave places empty: this is the optimum.
    private int[] Moves(double[] saliency, bool[] shows, int side)
    {
        var count = side * side;
        var cost = new double[count * count];
        var far = Math.Max((side - 1) * (side - 1), 1);
        for (var from = 0; from < count; from++)
        {
            for (var to = 0; to < count; to++)
            {
                var (dy, dx) = (from / side - to / side, from % side - to % side);
                cost[from * count + to] = TransportCost * (dy * dy + dx * dx) / far - (shows[to] ? saliency[from] : 0);
            }
        }
        return Assignment.Minimize(cost, count);
    }

    private static double Costs(double value, string name) => value >= 0 && double.IsFinite(value) ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must be 0 or more. Received: {name} = {value}."));

    private static int Pixels(int value, string name) => value >= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"{name} must be at least 1. Received: {name} = {value}.");

    private sealed record Drawn(double Lambda, int Blocks);
}
