using System.Text;
using System.Text.Json;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Plans;

public sealed class DamagedPlansTests
{
    private static readonly string[] Words =
    [
        "null", "true", "\"\"", "{}", "[]", "0", "-1", "0.5", "2", "1e999", "-0", "2147483647", "99999999999999999999",
        "\"\\ud800\"", "\\ud800", "\"lambdas\":", ",", "]", "}",
    ];

    [Fact]
    public void A_damaged_plan_is_read_or_rejected()
    {
        var plan = new MixPlan("cutmix", 8, 6,
            [new(1, new BoxRegion(new Box(0, 2, 4, 6)), 0.7, 1 - 16 / 48.0), new(0, BoxRegion.Empty, 1, 1)], new StreamId(7, "mix", 2, 11));
        var refused = Mutation.Refused<JsonException>("damaged plan", Mutation.Inputs, [Encoding.UTF8.GetBytes(plan.ToJson())],
            [.. Words.Select(Encoding.UTF8.GetBytes)], 1 << 18, input =>
            {
                var read = MixPlan.FromJson(Encoding.UTF8.GetString(input));
                Assert.Equal(read.ToJson(), MixPlan.FromJson(read.ToJson()).ToJson());
                Assert.InRange(read.ReplacedArea, 0, 1);
                Assert.NotNull(read.Method);
                Assert.NotNull(read.Stream.Purpose);
            });
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs * 99 / 100);
    }
}
