using CsCheck;
using Patchwork.Internals;
using Patchwork.Plans;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Internals;

public sealed class RankingTests
{
    // The definition: a stable sort in descending order, so the lower class number comes first among equal logits.
    private static int[] Ranks(float[][] logits, int[] labels) => [.. logits.Zip(labels, (row, label) =>
        Enumerable.Range(0, row.Length).OrderByDescending(k => row[k]).ToList().IndexOf(label))];

    private static Tensor Matrix(float[][] rows) => tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]);

    [Fact]
    public void A_rank_is_the_position_in_a_stable_sort_and_the_best_class_is_the_first_maximum() =>
        Gen.Int[1, 130].SelectMany(classes => Gen.Select(Gen.Int[0, 3].Array[classes], Gen.Int[0, classes - 1]).Array[1, 20])
            .Sample(rows =>
            {
                using var scope = NewDisposeScope();
                float[][] logits = [.. rows.Select(row => row.Item1.Select(value => (float)value).ToArray())];
                int[] labels = [.. rows.Select(row => row.Item2)];
                var ranks = Ranking.Of(Matrix(logits), tensor(labels.Select(label => (long)label).ToArray()));
                Assert.Equal(Ranks(logits, labels).Select(rank => (long)rank), ranks.data<long>().ToArray());
                Assert.Equal(logits.Select(row => (long)Array.IndexOf(row, row.Max())),
                    Ranking.Best(Matrix(logits)).data<long>().ToArray());
            });

    [Fact]
    public void Equal_logits_are_correct_for_class_0_only()
    {
        using var scope = NewDisposeScope();
        var (logits, labels) = (zeros(10, 10), arange(10));
        Assert.Equal([true, .. Enumerable.Repeat(false, 9)], Ranking.Within(logits, labels, 1).data<bool>().ToArray());
        Assert.Equal(5, Ranking.Within(logits, labels, 5).sum().ToInt64());
        Assert.Equal(1, new PairTargets(labels, labels, [.. Enumerable.Repeat(1.0, 10)]).WeightedHits(logits));
    }

    [Fact]
    public void NaN_logits_are_never_a_hit()
    {
        using var scope = NewDisposeScope();
        Assert.Equal([3L], Ranking.Of(full([1, 3], float.NaN), tensor([1L])).data<long>().ToArray());
    }

    [Fact]
    public void The_label_is_always_in_the_top_five_of_at_most_five_classes()
    {
        using var scope = NewDisposeScope();
        for (var classes = 2; classes <= 5; classes++)
            Assert.True(Ranking.Within(rand(7, classes), zeros(7, ScalarType.Int64), 5).all().ToBoolean());
    }
}
