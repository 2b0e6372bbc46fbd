using Patchwork.Benchmarks;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Benchmarks;

[Collection(SerialCollection.Name)]
public sealed class MethodBenchTests
{
    // The times depend on the machine; this test checks which methods are timed and that their cost is not negative.
    [Theory, InlineData("resnet8"), InlineData("cct-2-3x2")]
    public void Every_method_that_the_network_can_be_trained_with_is_measured(string model)
    {
        var costs = MethodBench.Run(model, batch: 4, side: 16, TimeSpan.Zero, leastRounds: 3);
        Assert.Equal(Methods.All.Where(method => ModelZoo.Misfit(model, method.Create()) is null).Select(method => method.Id),
            costs.Costs.Select(cost => cost.Method));
        Assert.All(costs.Costs, cost =>
        {
            Assert.Equal((2, 2), (cost.Step.Rounds, cost.Copies.Rounds));
            if (Methods.Find(cost.Method).Create() is BranchRegularizer)      // whole steps, either of which may be the slower one
                Assert.InRange(cost.Step.Median, double.Epsilon, double.MaxValue);
            else
                Assert.InRange(cost.Step.Median, 1, double.MaxValue);
            Assert.InRange(cost.Copies.LowerQuartile, double.MinValue, cost.Copies.UpperQuartile);
        });
        Assert.True(costs.StepSeconds > 0);
    }
}
