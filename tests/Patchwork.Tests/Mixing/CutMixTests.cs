using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Mixing;

public sealed class CutMixTests
{
    // The exact expectations of the authors' sampler at α = 1 (λ uniform): side, E[λ'], P(nothing pasted), P(pasted > half), P(corner
    // pasted), P(centre pasted).
    [Theory]
    [InlineData(28, 0.7039, 0.00510, 0.1474, 0.1369, 0.4524)]
    [InlineData(32, 0.7007, 0.00391, 0.1453, 0.1354, 0.4584)]
    [InlineData(64, 0.6899, 0.00098, 0.1649, 0.1302, 0.4792)]
    [InlineData(224, 0.6822, 0.00008, 0.1743, 0.1265, 0.4940)]
    public void The_clipped_box_matches_the_exact_expectations_of_the_authors_code(int side, double lambda, double nothing, double half,
        double corner, double centre)
    {
        var (meanArea, empty, large, atCorner, atCentre) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (var cut = 0; cut < side; cut++)
        {
            // int(side·√(1-λ)) = cut for 1-λ in [(cut/side)², ((cut+1)/side)²).
            var weight = ((cut + 1.0) * (cut + 1) - (double)cut * cut) / ((double)side * side) / ((double)side * side);
            var inside = 1 - Math.Pow((cut + 0.5) / side, 2);
            for (var row = 0; row < side; row++)
            {
                for (var column = 0; column < side; column++)
                {
                    var box = BoxPlacement.Around(Rounding.Truncated, side, side, inside, row, column);
                    var share = (double)box.Area / (side * side);
                    meanArea += weight * share;
                    empty += box.IsEmpty ? weight : 0;
                    large += share > 0.5 ? weight : 0;
                    atCorner += box.Contains(0, 0) ? weight : 0;
                    atCentre += box.Contains(side / 2, side / 2) ? weight : 0;
                }
            }
        }
        Assert.Equal(lambda, 1 - meanArea, 6e-5);
        Assert.Equal(nothing, empty, 6e-6);
        Assert.Equal(half, large, 6e-5);
        Assert.Equal(corner, atCorner, 6e-5);
        Assert.Equal(centre, atCentre, 6e-5);
    }

    [Theory]
    [InlineData(Placement.Clipped, false, 0.7007, 0.006)]
    [InlineData(Placement.Clipped, true, 0.8336, 0.006)]
    [InlineData(Placement.Inside, false, 0.521, 0.01)]
    public void Drawn_plans_have_the_mean_lambda_of_their_placement(Placement placement, bool fold, double expected, double tolerance)
    {
        var cutmix = new CutMix { Placement = placement, Fold = fold };
        var mean = Enumerable.Range(0, 20_000)
            .Average(draw => cutmix.Plan(new MixContext(1, 32, 32, new SeedStream(1).Open("mix", 0, draw))).Images[0].Lambda);
        Assert.Equal(expected, mean, tolerance);
    }

    [Fact]
    public void An_inside_box_reaches_every_origin_and_stays_inside()
    {
        var origins = new HashSet<int>();
        for (var draw = 0; draw < 20_000; draw++)
        {
            var (_, box) = BoxSampler.Draw(new CutMix { Placement = Placement.Inside, FixedLambda = 0.75 }, 1, 10, 14, new SeedStream(3)
                .Open("box", 0, draw));
            Assert.True(box.FitsIn(10, 14));
            Assert.Equal((5, 7), (box.Height, box.Width));
            origins.Add(box.Top * 100 + box.Left);
        }
        Assert.Equal(6 * 8, origins.Count);
    }

    [Fact]
    public void Batch_scope_draws_one_box_and_example_scope_one_per_image()
    {
        var context = new MixContext(16, 32, 32, new SeedStream(5).Open("mix"));
        Assert.Single(new CutMix().Plan(context).Images.Select(image => image.Region).Distinct());
        Assert.InRange(new CutMix { Scope = Scope.Example }.Plan(context).Images.Select(image => image.Region).Distinct().Count(), 12, 16);
    }

    // clovaai's train.py mixes a batch if a uniform r is below cutmix_prob = 0.5. The expected values for 32×32 are those of the sampler
    // without and with folding.
    [Fact]
    public void Official_mixes_half_of_the_batches_and_Article_folds_the_lambda_of_every_batch()
    {
        const int batches = 20_000;
        double[] Lambdas(CutMix preset) => [.. Enumerable.Range(0, batches)
            .Select(draw => preset.Plan(new MixContext(2, 32, 32, new SeedStream(1).Open("mix", 0, draw))))
            .Select(plan => plan.Images[0]).Where(image => image.DrawnLambda < 1).Select(image => image.Lambda)];
        var (official, article) = (Lambdas(CutMix.Presets.Official), Lambdas(CutMix.Presets.Article));
        Assert.Equal(0.5, (double)official.Length / batches, 0.015);
        Assert.Equal(batches, article.Length);
        Assert.Equal(0.7007, official.Average(), 0.01);
        Assert.Equal(0.8336, article.Average(), 0.01);
        Assert.Contains(official, lambda => lambda < 0.25);
        Assert.All(article, lambda => Assert.InRange(lambda, 0.5, 1));
    }
}
