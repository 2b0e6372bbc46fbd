using System.Text.Json;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

public sealed class ClassCountsTests
{
    // Pairs of true and predicted class. Class 3 never occurs and is predicted once; class 4 neither occurs nor is predicted.
    private static readonly (int, int)[] Pairs = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 2), (2, 0), (2, 3), (0, 0)];

    [Fact]
    public void Metrics_match_hand_computed_values()
    {
        var matrix = ClassCounts.Of(5, Pairs);
        Assert.Equal([3.0 / 4, 1.0 / 2, 2.0 / 3, 0, double.NaN], Enumerable.Range(0, 5).Select(matrix.Precision));
        Assert.Equal([3.0 / 4, 1.0 / 2, 2.0 / 4, double.NaN, double.NaN], Enumerable.Range(0, 5).Select(matrix.Recall));
        Assert.Equal([3.0 / 4, 1.0 / 2, 4.0 / 7, 0, double.NaN], Enumerable.Range(0, 5).Select(matrix.F1));
        Assert.Equal((0.75 + 0.5 + 0.5) / 3, matrix.BalancedAccuracy, 1e-12);
        Assert.Equal((0.75 + 0.5 + 4.0 / 7 + 0) / 4, matrix.MacroF1, 1e-12);
    }

    [Fact]
    public void Metrics_match_scikit_learn()
    {
        Python.Need("sklearn");
        var script = """
            import json, sys
            from sklearn.metrics import precision_recall_fscore_support, balanced_accuracy_score
            pairs = json.loads(sys.argv[1]); t = [p[0] for p in pairs]; q = [p[1] for p in pairs]
            p, r, f, _ = precision_recall_fscore_support(t, q, labels=range(4), zero_division=0)
            m = precision_recall_fscore_support(t, q, average='macro', zero_division=0)
            print(json.dumps([list(p), list(r), list(f), m[2], balanced_accuracy_score(t, q)]))
            """;
        using var json = JsonDocument.Parse(Python.Run(script, JsonSerializer.Serialize(Pairs.Select(pair => new[] { pair.Item1, pair.Item2 }))));
        double[] Row(int i) => [.. json.RootElement[i].EnumerateArray().Select(value => value.GetDouble())];
        var matrix = ClassCounts.Of(5, Pairs);
        for (var k = 0; k < 4; k++)
        {
            Assert.Equal(Row(0)[k], matrix.Precision(k), 1e-9);
            Assert.Equal(Row(2)[k], matrix.F1(k), 1e-9);
        }
        for (var k = 0; k < 3; k++)
            Assert.Equal(Row(1)[k], matrix.Recall(k), 1e-9);
        Assert.Equal(json.RootElement[3].GetDouble(), matrix.MacroF1, 1e-9);
        Assert.Equal(json.RootElement[4].GetDouble(), matrix.BalancedAccuracy, 1e-9);
    }

    [Fact]
    public void Counting_an_image_several_times_equals_repeating_it()
    {
        var times = new[] { 2, 0, 1, 3, 0, 0, 1, 1, 0, 2 };
        var repeated = Pairs.Zip(times, (pair, count) => Enumerable.Repeat(pair, count)).SelectMany(pairs => pairs).ToArray();
        Assert.Equal(ClassCounts.Of(5, repeated).Numbers(), ClassCounts.Of(5, Pairs, times).Numbers());
    }
}
