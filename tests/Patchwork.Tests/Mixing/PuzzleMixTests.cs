using CsCheck;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class PuzzleMixTests : IDisposable
{
    private readonly ImageClassifier model;
    private readonly Tensor images, labels;

    public PuzzleMixTests()
    {
        new SeedStream(3).SeedTorch("test");
        model = ModelZoo.Create("resnet8", 4);
        images = rand(5, 3, 32, 16);
        labels = tensor(new long[] { 0, 1, 2, 3, 1 });
    }

    public void Dispose()
    {
        model.Dispose();
        images.Dispose();
        labels.Dispose();
    }

    private MixPlan Plan(PuzzleMix mixer, int draw) =>
        mixer.Plan(MixContext.Of(images, new SeedStream(1).Open("mix", 0, draw)) with { Labels = labels, Model = model });

    [Fact]
    public void Blocks_are_permuted_without_loss_and_lambda_is_the_mean_of_z()
    {
        using var scope = NewDisposeScope();
        for (var draw = 0; draw < 12; draw++)
        {
            var mixer = new PuzzleMix { Partners = Partners.Derangement };
            var plan = Plan(mixer, draw);
            var mixed = mixer.Apply(images, plan);
            foreach (var (i, image) in plan.Images.Index())
            {
                var region = Assert.IsType<TransportRegion>(image.Region);
                Assert.Equal(Enumerable.Range(0, region.Own.Length), region.Own.Order());
                Assert.Equal(Enumerable.Range(0, region.Own.Length), region.Partner.Order());
                Assert.All(region.Weights, z => Assert.Contains(z, (float[])[0, 0.5f, 1]));
                Assert.Equal(region.Weights.Average(z => (double)z), image.Lambda, 1e-6);
                var (height, width) = (32 / region.Side, 16 / region.Side);
                Tensor Block(Tensor picture, int block) =>
                    picture.narrow(1, block / region.Side * height, height).narrow(2, block % region.Side * width, width);
                for (var place = 0; place < region.Own.Length; place++)
                {
                    var expected = region.Weights[place] * Block(images[i], region.Own[place])
                        + (1 - region.Weights[place]) * Block(images[image.Partner], region.Partner[place]);
                    Assert.True(expected.allclose(Block(mixed[i], place), 1e-5, 1e-6));
                }
            }
        }
    }

    [Fact]
    public void Without_smoothness_and_prior_each_block_shows_the_more_salient_image()
    {
        using var scope = NewDisposeScope();
        var mixer = new PuzzleMix
        {
            Smoothness = 0,
            Prior = 0,
            Transport = false,
            BlockCounts = [4],
            Levels = 2,
            Partners =
            Partners.Derangement
        };
        var plan = Plan(mixer, 1);
        // (5, 16)
        var saliency = nn.functional.avg_pool2d(Patchwork.Saliency.InputGradient.Of(model, images, labels).unsqueeze(1), [8, 4]).flatten(1);
        saliency /= saliency.sum(1, keepdim: true);
        foreach (var (i, image) in plan.Images.Index())
        {
            var shown = ((TransportRegion)image.Region).Weights;
            for (var block = 0; block < 16; block++)
                Assert.Equal(saliency[i, block].ToSingle() >= saliency[image.Partner, block].ToSingle() ? 1 : 0, shown[block]);
        }
    }

    [Fact]
    public void A_strong_prior_gives_the_most_likely_z()
    {
        var mixer = new PuzzleMix { Prior = 1e6 };
        foreach (var image in Enumerable.Range(0, 20).SelectMany(draw => Plan(mixer with { Partners = Partners.Derangement }, draw).Images))
        {
            // The most likely of 0, ½ and 1 under the binomial distribution with two draws.
            var (zero, half, one) = (Math.Pow(1 - image.DrawnLambda, 2), 2 * image.DrawnLambda * (1 - image.DrawnLambda),
                Math.Pow(image.DrawnLambda, 2));
            var likeliest = half >= zero && half >= one ? 0.5 : one > zero ? 1 : 0;
            Assert.Equal(likeliest, image.Lambda, 1e-9);
        }
    }

    [Fact]
    public void A_minimum_cut_has_the_lowest_energy_of_all_assignments() =>
        (from nodes in Gen.Int[1, 7]
         from costs in Gen.Double[-3, 3].Array[2 * nodes]
         from weights in Gen.Double[0, 2].Array[nodes * nodes]
         select (nodes, costs, weights)).Sample((nodes, costs, weights) =>
        {
            var cut = new MinimumCut(nodes);
            for (var p = 0; p < nodes; p++)
            {
                cut.AddNode(p, costs[2 * p], costs[2 * p + 1]);
                for (var q = p + 1; q < nodes; q++)
                    cut.AddNeighbours(p, q, weights[p * nodes + q]);
            }
            double Energy(Func<int, bool> answer)
            {
                var energy = 0.0;
                for (var p = 0; p < nodes; p++)
                {
                    energy += costs[2 * p + (answer(p) ? 1 : 0)];
                    for (var q = p + 1; q < nodes; q++)
                        energy += answer(p) != answer(q) ? weights[p * nodes + q] : 0;
                }
                return energy;
            }
            var found = cut.Solve();
            Assert.Equal(Enumerable.Range(0, 1 << nodes).Min(bits => Energy(p => (bits >> p & 1) == 1)), Energy(p => found[p]), 1e-9);
        });

    [Fact]
    public void An_assignment_is_the_cheapest_of_all_permutations() =>
        (from n in Gen.Int[1, 6] from cost in Gen.Double[-5, 5].Array[n * n] select (n, cost)).Sample((n, cost) =>
        {
            var rows = Assignment.Minimize(cost, n);
            Assert.Equal(Enumerable.Range(0, n), rows.Order());
            double Cost(IEnumerable<int> rowOf) => rowOf.Select((row, column) => cost[row * n + column]).Sum();
            Assert.Equal(Permutations(n).Min(Cost), Cost(rows), 1e-9);
        });

    [Fact]
    public void Two_labels_are_solved_exactly_and_three_so_that_no_swap_improves() =>
        (from labels in Gen.Int[2, 3]
         from unary in Gen.Double[0, 1].Array[labels * 9]
         from weights in Gen.Double[0, 0.7].Array[12]
         select (labels, unary, weights)).Sample((labels, unary, weights) =>
        {
            var grid = new LabelGrid(3, [.. unary.Chunk(9)], weights[..6], weights[6..]);
            var found = grid.Minimize();
            foreach (var (first, second) in ((int, int)[])[.. from a in Enumerable.Range(0, labels)
                from b in Enumerable.Range(a + 1, labels - a - 1) select (a, b)])
            {
                // Every way to assign the two labels to the cells that have one of them. With two labels in total, that is every labelling.
                int[] cells = [.. Enumerable.Range(0, 9).Where(cell => found[cell] == first || found[cell] == second)];
                for (var bits = 0; bits < 1 << cells.Length; bits++)
                {
                    int[] other = [.. found];
                    foreach (var (k, cell) in cells.Index())
                        other[cell] = (bits >> k & 1) == 1 ? second : first;
                    Assert.True(grid.Energy(found) <= grid.Energy(other) + 1e-9);
                }
            }
        }, iter: 60);

    [Fact]
    public void The_network_is_unchanged_and_the_same_stream_gives_the_same_plan()
    {
        using var scope = NewDisposeScope();
        var before = ModelState.InTraining(model, images);
        var plan = Plan(new PuzzleMix(), 5);
        before.AssertUnchanged();
        Assert.Equal(plan.ToJson(), Plan(new PuzzleMix(), 5).ToJson());
        Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
    }

    [Fact]
    public void Images_that_no_block_count_divides_are_refused()
    {
        using var odd = rand(2, 3, 9, 15);
        Assert.Contains("9×15", Assert.Throws<InputException>(() => new PuzzleMix()
            .Plan(MixContext.Of(odd, new SeedStream(1).Open("mix")) with { Labels = labels, Model = model })).Message);
    }

    private static IEnumerable<int[]> Permutations(int n) => n == 0 ? [[]]
        : Permutations(n - 1).SelectMany(shorter => Enumerable.Range(0, n)
            .Select(at => (int[])[.. shorter[..at], n - 1, .. shorter[at..]]));
}
