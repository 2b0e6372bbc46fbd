using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Mixing;

[Collection(SerialCollection.Name)]
public sealed class FMixTests
{
    private static ImagePlan Draw(FMix mixer, int height, int width, int draw) =>
        mixer.Plan(new MixContext(1, height, width, new SeedStream(4).Open("mix", 0, draw))).Images[0];

    [Theory, InlineData(FMixSpectrum.Full, 32, 32), InlineData(FMixSpectrum.Reference, 32, 32), InlineData(FMixSpectrum.Full, 17, 40),
        InlineData(FMixSpectrum.Reference, 40, 17)]
    public void A_hard_mask_keeps_the_drawn_label_weight_within_one_pixel(FMixSpectrum spectrum, int height, int width)
    {
        for (var draw = 0; draw < 50; draw++)
        {
            var image = Draw(new FMix { Spectrum = spectrum }, height, width, draw);
            Assert.True(((MaskRegion)image.Region).IsHard);
            Assert.Equal(image.DrawnLambda, image.Lambda);
            Assert.InRange(Math.Abs(image.Region.KeptShare(height, width) - image.Lambda), 0, 1.0 / (height * width) + 1e-9);
        }
    }

    // Noise of equal strength at all frequencies gives masks of single pixels. The steeper the spectrum falls, the shorter the edges.
    [Fact]
    public void Masks_get_smoother_as_the_spectrum_falls_faster()
    {
        double Edges(double decay) => Enumerable.Range(0, 40).Average(draw =>
        {
            var weights = ((MaskRegion)Draw(new FMix { Decay = decay }, 32, 32, draw).Region).Weights;
            return Enumerable.Range(0, 32 * 31).Count(i => weights[i / 31 * 32 + i % 31] != weights[i / 31 * 32 + i % 31 + 1]);
        });
        var (white, pink, smooth) = (Edges(0), Edges(1), Edges(3));
        Assert.True(white > 1.4 * pink && pink > 2 * smooth, $"{white} {pink} {smooth}");
    }

    // The reference code transforms only two columns of frequencies, 0 and 1, so along a row of the image nothing varies faster than one
    // period.
    [Fact]
    public void Masks_of_the_reference_spectrum_change_at_most_twice_along_a_row()
    {
        for (var draw = 0; draw < 50; draw++)
        {
            var weights = ((MaskRegion)Draw(new FMix { Spectrum = FMixSpectrum.Reference }, 32, 32, draw).Region).Weights;
            for (var y = 0; y < 32; y++)
                Assert.InRange(Enumerable.Range(0, 32).Count(x => weights[y * 32 + x] != weights[y * 32 + (x + 1) % 32]), 0, 2);
        }
        Assert.Contains(Enumerable.Range(0, 50), draw =>
            Enumerable.Range(0, 32).Any(y => Enumerable.Range(0, 32)
                .Count(x =>
                ((MaskRegion)Draw(new FMix(), 32, 32, draw).Region).Weights is var w && w[y * 32 + x] != w[y * 32 + (x + 1) % 32]) > 2));
    }

    [Fact]
    public void A_soft_edge_is_centred_on_the_drawn_share()
    {
        for (var draw = 0; draw < 20; draw++)
        {
            var image = Draw(new FMix { MaxSoft = 0.1 }, 32, 32, draw);
            var weights = ((MaskRegion)image.Region).Weights;
            var soft = (int)(1024 * Math.Min(0.1, Math.Min(image.Lambda, 1 - image.Lambda)));
            Assert.InRange(weights.Count(weight => weight is > 0 and < 1), Math.Max(2 * soft - 2, 0), 2 * soft);
            Assert.Equal(image.Lambda, image.Region.KeptShare(32, 32), 2.0 / 1024);
        }
    }
}
