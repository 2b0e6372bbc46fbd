using Patchwork.Benchmarks;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Benchmarks;

[Collection(SerialCollection.Name)]
public sealed class EvaluationBenchTests
{
    // The numbers of passes follow from the protocols; the times depend on the machine.
    [Fact]
    public void A_suite_makes_only_the_passes_of_its_protocol()
    {
        Lane.NeedFull("all suites, twice");
        const int images = 10;
        var costs = EvaluationBench.Run("resnet8", images, rounds: 2).ToDictionary(cost => cost.Suite);
        Assert.Equal((images, 0), (costs["clean"].Forward, costs["clean"].Backward));
        Assert.Equal((2 * images, 0), (costs["calibration"].Forward, costs["calibration"].Backward));      // the validation images too
        // test images and four sets; ODIN needs a backward pass and another forward pass
        Assert.Equal((2 * 5 * images, 5 * images), (costs["ood"].Forward, costs["ood"].Backward));
        Assert.Equal(19 * 5 * images, costs["corruption"].Forward);
        // one of the 17 sizes covers nothing and is shared by all four
        Assert.Equal((4 * 16 + 1) * images, costs["occlusion"].Forward);
        Assert.Equal((9 + 15 + 2) * images, costs["inbetween"].Forward);      // both curves end at the original images
        // one step and ten at five strengths; each attack and the images themselves are evaluated
        Assert.Equal(((1 + 2 * 5) * images, 5 * 11 * images), (costs["adversarial"].Forward, costs["adversarial"].Backward));
        Assert.Equal((images, 0), (costs["localization"].Forward, costs["localization"].Backward));
        Assert.All(costs.Values, cost => Assert.True(cost.Seconds > 0 && cost.OverPasses.Median > 0));
    }
}
