using System.Text.Json;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

[Collection(ProcessesCollection.Name)]
public sealed class PlanTests
{
    private static JsonElement[] Plans(params string[] flags)
    {
        var result = CommandLine.Run(["plan", "--json", .. flags]);
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        return [.. result.Output.TrimEnd('\n').Split('\n').Select(line => JsonDocument.Parse(line).RootElement)];
    }

    // Expected λ for α = 1 on 32×32 pixels: the clipped sampler, the box inside the image, and the clipped sampler with folding.
    [Theory]
    [InlineData("", 0.7007, 0.006)]
    [InlineData("--placement inside", 0.521, 0.01)]
    [InlineData("--fold", 0.8336, 0.006)]
    public void Mean_lambda_is_the_exact_expectation(string flags, double expected, double tolerance)
    {
        var plans = Plans(["--batch", "4", "--height", "32", "--width", "32", "--draws", "20000",
            .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(20_000, plans.Length);
        Assert.Equal(expected, plans.Average(plan => plan.GetProperty("lambdas").EnumerateArray().Average(value => value.GetDouble())),
            tolerance);
    }

    [Fact]
    public void A_line_has_the_expected_keys_and_lambda_is_the_kept_area()
    {
        var plans = Plans("--batch", "3", "--height", "24", "--width", "40", "--draws", "50");
        foreach (var (plan, draw) in plans.Select((plan, draw) => (plan, draw)))
        {
            Assert.Equal(["draw", "method", "mixed", "partners", "boxes", "lambdas"], plan.EnumerateObject()
                .Select(property => property.Name));
            Assert.Equal((draw, "cutmix"), (plan.GetProperty("draw").GetInt32(), plan.GetProperty("method").GetString()));
            Assert.Equal(3, plan.GetProperty("partners").GetArrayLength());
            Assert.Equal([0, 1, 2], plan.GetProperty("partners").EnumerateArray().Select(partner => partner.GetInt32()).Order());
            foreach (var (box, lambda) in plan.GetProperty("boxes").EnumerateArray().Zip(plan.GetProperty("lambdas").EnumerateArray()))
            {
                Assert.Equal(["top", "left", "bottom", "right"], box.EnumerateObject().Select(property => property.Name));
                var (top, left, bottom, right) = (Edge(box, "top"), Edge(box, "left"), Edge(box, "bottom"), Edge(box, "right"));
                Assert.True(0 <= top && top <= bottom && bottom <= 24 && 0 <= left && left <= right && right <= 40, box.ToString());
                Assert.Equal(1 - (bottom - top) * (right - left) / 960.0, lambda.GetDouble(), 1e-12);
            }
        }
    }

    private static int Edge(JsonElement box, string name) => box.GetProperty(name).GetInt32();

    [Fact]
    public void Nothing_is_mixed_at_probability_0()
    {
        foreach (var plan in Plans("--probability", "0"))
        {
            Assert.False(plan.GetProperty("mixed").GetBoolean());
            Assert.All(plan.GetProperty("lambdas").EnumerateArray(), lambda => Assert.Equal(1, lambda.GetDouble()));
            Assert.All(plan.GetProperty("boxes").EnumerateArray(), box =>
                Assert.Equal((Edge(box, "top"), Edge(box, "left")), (Edge(box, "bottom"), Edge(box, "right"))));
        }
    }

    [Fact]
    public void The_seed_determines_the_plans()
    {
        string Output(string seed) => CommandLine.Run("plan", "--seed", seed).Output;
        Assert.Equal(Output("5"), Output("5"));
        Assert.NotEqual(Output("5"), Output("6"));
    }
}
