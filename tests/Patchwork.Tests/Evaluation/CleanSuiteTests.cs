using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class CleanSuiteTests
{
    [Fact]
    public void Metrics_match_those_counted_from_the_softmax()
    {
        using var linear = new LinearSubject();
        var (softmax, labels) = linear.Outputs();
        var result = new CleanSuite().Measure(linear.Subject with { BestNetwork = linear.Network });
        var wrong = softmax.Zip(labels, (row, label) => Array.IndexOf(row, row.Max()) != label).ToArray();
        Assert.Equal(wrong.Average(error => error ? 1.0 : 0.0), result.Metrics["top1_error"].Value, 1e-12);
        Assert.Equal(wrong, result.PerImage["top1_error"].Select(error => error == 1));
        Assert.Equal(0, result.Metrics["top5_error"].Value);
        Assert.Equal(softmax.Zip(labels, (row, label) => -Math.Log(row[label])).Average(), result.Metrics["nll"].Value, 1e-5);
        Assert.Equal(result.Metrics["top1_error"], result.Metrics["best_top1_error"]);
        Assert.All(result.Tables["confusion"], row => Assert.Equal(20, row.Sum()));
        Assert.Equal(60 - wrong.Count(error => error), Enumerable.Range(0, 3).Sum(k => result.Tables["confusion"][k][k]));
    }
}
