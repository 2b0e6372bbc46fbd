using System.Text.Json;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

public sealed class MultiLabelScoresTests
{
    // The scores take few distinct values, so that there are ties. No image has class 4, and every image has class 5.
    private static (float[][] Probabilities, bool[][] Shows) Drawn(int images)
    {
        var draws = new SeedStream(11).Open("test");
        const int classes = 6;
        float[][] probabilities = [.. Enumerable.Range(0, images).Select(_ => Enumerable.Range(0, classes)
            .Select(_ => draws.Integer(21) / 20f).ToArray())];
        bool[][] shows = [.. probabilities.Select(row => row.Select((p, k) => k == 5 || k != 4 && draws.Bernoulli(0.2 + 0.6 * p)).ToArray())];
        return (probabilities, shows);
    }

    [Fact]
    public void Metrics_match_scikit_learn()
    {
        Python.Need("sklearn");
        var (probabilities, shows) = Drawn(60);
        var scores = new MultiLabelScores(probabilities, shows);
        const string script = """
            import json, sys, numpy as np
            from sklearn.metrics import average_precision_score, f1_score, accuracy_score, brier_score_loss
            p, y = map(np.array, json.loads(sys.argv[1])); p = p.astype(np.float32).astype(np.float64); q = p >= 0.45
            shown = [k for k in range(y.shape[1]) if y[:, k].any()]
            ap = [average_precision_score(y[:, k], p[:, k]) for k in shown]
            named = [k for k in range(y.shape[1]) if y[:, k].any() or q[:, k].any()]
            print(json.dumps([ap, float(np.mean(ap)), f1_score(y, q, average='micro'), f1_score(y[:, named], q[:, named], average='macro'),
                accuracy_score(y, q), float(((p - y) ** 2).sum(1).mean())]))
            """;
        using var json = JsonDocument.Parse(Python.Run(script, JsonSerializer.Serialize(new object[]
        {
            probabilities, shows.Select(row => row.Select(value => value ? 1 : 0).ToArray()).ToArray(),
        })));
        var expected = json.RootElement;
        int[] shown = [0, 1, 2, 3, 5];
        Assert.Equal(expected[0].EnumerateArray().Select(value => value.GetDouble()), shown.Select(k => scores.AveragePrecisionOf(k)), (a, b) =>
            Math.Abs(a - b) < 1e-9);
        Assert.Equal(double.NaN, scores.AveragePrecisionOf(4));
        Assert.Equal(expected[1].GetDouble(), scores.MeanAveragePrecision(), 1e-9);
        var at = scores.At(0.45);
        Assert.Equal(expected[2].GetDouble(), MultiLabelScores.MicroF1(at), 1e-9);
        Assert.Equal(expected[3].GetDouble(), at.MacroF1, 1e-9);
        Assert.Equal(expected[4].GetDouble(), scores.ExactMatches(0.45).Average(), 1e-9);
        Assert.Equal(expected[5].GetDouble(), scores.BrierScores().Average(), 1e-6);
    }

    [Fact]
    public void Average_precision_matches_hand_computed_values()
    {
        // Ranking yes, no, yes, no: (1 + 2/3) / 2. At the eleven points: 1 up to a recall of 0.5, then 2/3.
        Assert.Equal((1 + 2 / 3.0) / 2, AveragePrecision.Of([0.9, 0.8, 0.7, 0.1], [true, false, true, false]), 1e-12);
        Assert.Equal((6 + 5 * 2 / 3.0) / 11, AveragePrecision.ElevenPoints([0.9, 0.8, 0.7, 0.1], [true, false, true, false]), 1e-12);
        Assert.Equal(0.5, AveragePrecision.Of([0.3, 0.3, 0.3, 0.3], [true, false, true, false]), 1e-12);      // all tied, so one step
        Assert.Equal(1, AveragePrecision.Of([0.9, 0.2], [true, false]));
        Assert.Equal(double.NaN, AveragePrecision.Of([0.9, 0.2], [false, false]));
    }

    [Fact]
    public void The_best_threshold_matches_an_exhaustive_search()
    {
        var (probabilities, shows) = Drawn(40);
        var scores = new MultiLabelScores(probabilities, shows);
        var best = scores.BestThreshold();
        var tried = probabilities.SelectMany(row => row).Distinct().ToDictionary(t => t, t => MultiLabelScores.MicroF1(scores.At(t)));
        Assert.Equal(tried.Values.Max(), MultiLabelScores.MicroF1(scores.At(best)), 1e-12);
        Assert.Equal(tried.Where(one => one.Value == tried.Values.Max()).Max(one => one.Key), (float)best);
    }

    // Sechidis et al. 2011 measure how far the shares of the labels are off. The split must be closer than a random one and lose no image.
    [Fact]
    public void Iterative_stratification_keeps_label_shares_better_than_a_random_split()
    {
        var (iterative, random) = (0.0, 0.0);
        for (var trial = 0; trial < 100; trial++)
        {
            var draws = new SeedStream((ulong)trial).Open("test");
            var count = 30 + draws.Integer(90);
            int[][] labels = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, 6).Where(k => draws.Bernoulli(0.05 + 0.08 * k)).ToArray())];
            const double share = 0.2;
            var part = IterativeStratification.Deal(labels, 6, [1 - share, share]);
            Assert.All(part, one => Assert.InRange(one, 0, 1));
            Assert.InRange(part.Count(one => one == 1), share * count - 3, share * count + 3);
            var chance = draws.Permutation(count).Select(place => place < share * count ? 1 : 0).ToArray();
            double Off(int[] split) => Enumerable.Range(0, 6).Sum(k => Math.Abs(labels.Zip(split).Count(one => one.First.Contains(k)
                && one.Second == 1) - share * labels.Count(one => one.Contains(k))));
            iterative += Off(part);
            random += Off(chance);
        }
        Assert.True(iterative < 0.5 * random, $"{iterative} against {random}");
    }
}
