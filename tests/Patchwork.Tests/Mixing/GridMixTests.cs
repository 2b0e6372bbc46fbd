using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Mixing;

public sealed class GridMixTests
{
    private static ImagePlan Draw(GridMix mixer, int height, int width, int draw) =>
        mixer.Plan(new MixContext(1, height, width, new SeedStream(6).Open("mix", 0, draw))).Images[0];

    [Fact]
    public void Cells_are_replaced_whole_and_their_number_matches_lambda()
    {
        for (var draw = 0; draw < 100; draw++)
        {
            var image = Draw(new GridMix(), 16, 32, draw);
            var weights = ((MaskRegion)image.Region).Weights;
            var replaced = 0;
            for (var cell = 0; cell < 16; cell++)
            {
                var inside = Enumerable.Range(0, 16 * 32).Where(i => i / 32 / 4 == cell / 4 && i % 32 / 8 == cell % 4)
                    .Select(i => weights[i]).Distinct().ToArray();
                replaced += Assert.Single(inside) == 0 ? 1 : 0;
            }
            Assert.Equal((int)Math.Round(16 * (1 - image.DrawnLambda)), replaced);
            Assert.Equal(1 - replaced / 16.0, image.Lambda);
        }
    }

    [Fact]
    public void Holes_are_centred_in_every_cell()
    {
        for (var draw = 0; draw < 50; draw++)
        {
            var image = Draw(new GridMix { Cells = 2, Layout = GridLayout.Holes }, 40, 60, draw);
            var weights = ((MaskRegion)image.Region).Weights;
            var (height, width) = ((int)Math.Round(20 * Math.Sqrt(1 - image.DrawnLambda)),
                (int)Math.Round(30 * Math.Sqrt(1 - image.DrawnLambda)));
            Assert.Equal(4 * height * width, weights.Count(weight => weight == 0));
            Assert.Equal(weights, weights.Reverse().ToArray()
                .Zip(weights, (turned, weight) => height % 2 == 0 && width % 2 == 0 ? turned : weight));
        }
    }

    [Fact]
    public void An_image_smaller_than_the_grid_has_one_cell_per_pixel() =>
        Assert.All(Enumerable.Range(0, 50), draw => Assert.InRange(Draw(new GridMix { Cells = 9 }, 2, 3, draw).Lambda * 6 % 1, 0, 1e-9));
}
