using CsCheck;
using Patchwork.Data;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class BalancedOrderTests
{
    private sealed class Labelled(int[] counts) : Dataset
    {
        private readonly int[] labels = [.. counts.SelectMany((count, label) => Enumerable.Repeat(label, count))];

        public override int Count => labels.Length;

        public override int Channels => 1;

        public override int Height => 1;

        public override int Width => 1;

        public override IReadOnlyList<string> ClassNames { get; } = [.. counts.Select((_, label) => $"{label}")];

        public override Normalization Normalization { get; } = new([0], [1]);

        public override int Label(int index) => labels[index];

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => new byte[] { 0 };
    }

    [Fact]
    public void Every_class_is_drawn_equally_often_and_no_image_repeats_before_all_of_its_class() =>
        Gen.Int[1, 40].Array[2, 6].Select(Gen.Int[0, 5], Gen.ULong[0, 9]).Sample((counts, epoch, seed) =>
        {
            var set = new Labelled(counts);
            var order = BalancedOrder.Of(set, new SeedStream(seed), epoch);
            Assert.Equal(set.Count, order.Length);
            var perClass = order.GroupBy(set.Label).ToDictionary(one => one.Key, one => one.Count());
            Assert.InRange(counts.Select((_, label) => perClass.GetValueOrDefault(label)).Max()
                - counts.Select((_, label) => perClass.GetValueOrDefault(label)).Min(), 0, 1);
            foreach (var label in perClass.Keys)
            {
                var times = order.Where(i => set.Label(i) == label).GroupBy(i => i).Select(one => one.Count()).ToArray();
                var most = times.Max();
                Assert.InRange(most - (times.Length < counts[label] ? 0 : times.Min()), 0, 1);
            }
            Assert.Equal(order, BalancedOrder.Of(set, new SeedStream(seed), epoch));      // an epoch depends on its number alone
        }, iter: Lane.Count(500, 100));

    [Fact]
    public void A_balanced_epoch_can_start_at_any_step()
    {
        var set = new Labelled([3, 17, 40]);
        int[] From(int step)
        {
            using var loader = new BatchLoader(set, new SeedStream(5), new LoaderOptions { BatchSize = 8, Balanced = true });
            return [.. loader.Epoch(2, step).SelectMany(batch => batch.Ids.ToArray())];
        }
        var whole = From(0);
        Assert.Equal(60, whole.Length);
        Assert.Equal(whole[24..], From(3));
    }

    [Fact]
    public void Folds_divide_the_images_and_every_class_evenly() =>
        Gen.Int[2, 40].Array[2, 6].Select(Gen.Int[2, 7]).Sample((counts, folds) =>
        {
            var set = new Labelled(counts);
            var dealt = StratifiedSplit.Folds(set, folds);
            for (var label = 0; label < counts.Length; label++)
            {
                var perFold = Enumerable.Range(0, folds).Select(fold => Enumerable.Range(0, set.Count)
                    .Count(i => dealt[i] == fold && set.Label(i) == label)).ToArray();
                Assert.InRange(perFold.Max() - perFold.Min(), 0, 1);
            }
            var sizes = Enumerable.Range(0, folds).Select(fold => dealt.Count(one => one == fold)).ToArray();
            Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
        }, iter: Lane.Count(500, 100));

    [Fact]
    public void A_subset_with_more_images_per_class_contains_the_smaller_one()
    {
        var set = new Labelled([5, 30, 90]);
        int[] Chosen(int count) => [.. Enumerable.Range(0, StratifiedSplit.PerClass(set, count).Count)
            .Select(i => ((DatasetView)StratifiedSplit.PerClass(set, count)).IndexIn(set, i))];
        Assert.Equal(5 + 10 + 10, Chosen(10).Length);
        Assert.Equal(5 + 30 + 40, Chosen(40).Length);
        Assert.Empty(Chosen(10).Except(Chosen(40)));
    }

    [Fact]
    public void Cross_validation_tests_every_image_once_and_trains_on_no_test_image()
    {
        var pair = DatasetCatalogue.Open("clothing", new DataOptions { ImageSize = 8 });
        var tested = new List<int>();
        for (var fold = 0; fold < 4; fold++)
        {
            var one = CrossValidation.Fold(pair, 4, fold);
            int[] Indices(Dataset part) => [.. Enumerable.Range(0, part.Count).Select(i => ((DatasetView)part).IndexIn(pair.Train, i))];
            Assert.Empty(Indices(one.Train).Intersect(Indices(one.Test)));
            Assert.Equal(pair.Train.Count, one.Train.Count + one.Test.Count);
            tested.AddRange(Indices(one.Test));
        }
        Assert.Equal(Enumerable.Range(0, pair.Train.Count), tested.Order());
    }
}
