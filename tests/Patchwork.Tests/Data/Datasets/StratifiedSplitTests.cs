using CsCheck;
using Patchwork.Data;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class StratifiedSplitTests
{
    private static Gen<int[]> Labels =>
        Gen.Int[0, 6].Array[20, 200].Where(labels => labels.CountBy(label => label).Any(pair => pair.Value > 12));

    private static Gen<double> Shares => Gen.Double[0.1, 0.9];

    private static string Refused(double share) =>
        Assert.Throws<InputException>(() => StratifiedSplit.Of(new KnownDataset([0, 1, 2]), share)).Message;

    [Fact]
    public void Every_example_is_in_exactly_one_part_and_the_parts_are_sorted() =>
        Gen.Select(Labels, Shares).Sample((labels, share) =>
        {
            var (train, validation) = StratifiedSplit.Of(new KnownDataset(labels), share);
            return train.Concat(validation).Order().SequenceEqual(Enumerable.Range(0, labels.Length))
                && train.SequenceEqual(train.Order()) && validation.SequenceEqual(validation.Order());
        });

    [Fact]
    public void A_subset_has_the_requested_count_and_keeps_the_class_shares()
    {
        var set = new KnownDataset([.. Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? 0 : 1 + i % 2)]);
        var some = StratifiedSplit.Some(set, 60);
        Assert.Equal(60, some.Count);
        Assert.Equal([20, 20, 20], Enumerable.Range(0, 3).Select(label => Enumerable.Range(0, 60).Count(i => some.Label(i) == label)));
        Assert.Same(set, StratifiedSplit.Some(set, 300));
        Assert.Throws<InputException>(() => StratifiedSplit.Some(set, 2));
    }

    [Fact]
    public void Every_class_gives_at_most_its_share_rounded_up_and_keeps_an_example() =>
        Gen.Select(Labels, Shares).Sample((labels, share) =>
        {
            var (train, validation) = StratifiedSplit.Of(new KnownDataset(labels), share);
            foreach (var (label, count) in labels.CountBy(label => label))
            {
                Assert.Contains(train, i => labels[i] == label);
                var given = validation.Count(i => labels[i] == label);
                Assert.InRange(given, Math.Min(count - 1, Math.Max(1, Math.Floor(count * share))), Math.Ceiling(count * share));
            }
        });

    [Fact]
    public void A_subset_of_any_size_has_every_class_and_at_most_the_requested_count() =>
        Gen.Select(Gen.Int[0, 30].Array[31, 300], Gen.Double[0, 1]).Sample((labels, place) =>
        {
            var set = new KnownDataset(labels);
            var classes = labels.Distinct().Count();
            var count = classes + (int)(place * (labels.Length - classes));
            var some = StratifiedSplit.Some(set, count);
            Assert.InRange(some.Count, classes, count);
            Assert.Equal(classes, Enumerable.Range(0, some.Count).Select(some.Label).Distinct().Count());
        });

    // The split of release 0.1, with which results in results/ were measured. A class that would get no image gets one; no other class
    // changes.
    [Fact]
    public void The_split_is_pinned_and_an_extra_small_class_does_not_change_it()
    {
        int[] labels = [.. Enumerable.Range(0, 40).Select(i => i % 3)];
        int[] chosen = [0, 1, 2, 11, 22, 25, 29, 36];
        Assert.Equal(chosen, StratifiedSplit.Of(new KnownDataset(labels), 0.2).Validation);
        var (_, withAFourth) = StratifiedSplit.Of(new KnownDataset([.. labels, 3, 3]), 0.2);
        Assert.Equal(chosen, withAFourth.Where(i => i < 40));
        Assert.Single(withAFourth, i => i >= 40);
    }

    [Fact]
    public void Classes_of_one_example_do_not_make_a_large_class_give_more_than_its_share()
    {
        int[] labels = [.. Enumerable.Range(0, 100), .. Enumerable.Repeat(100, 50)];
        Assert.Equal(10, StratifiedSplit.Of(new KnownDataset(labels), 0.2).Validation.Count);
    }

    [Theory, InlineData(10, 500, 0.1, 500), InlineData(100, 20, 0.15, 300), InlineData(7, 10, 0.25, 17)]
    public void The_validation_part_as_a_whole_has_its_share(int classes, int examples, double share, int expected)
    {
        int[] labels = [.. Enumerable.Range(0, classes * examples).Select(i => i % classes)];
        Assert.Equal(expected, StratifiedSplit.Of(new KnownDataset(labels), share).Validation.Count);
    }

    [Fact]
    public void Every_call_gives_the_same_split()
    {
        int[] labels = [.. Enumerable.Range(0, 40).Select(i => i % 2)];
        var (train, validation) = StratifiedSplit.Of(new KnownDataset(labels), 0.25);
        var again = StratifiedSplit.Of(new KnownDataset(labels), 0.25);
        Assert.Equal(train, again.Train);
        Assert.Equal(validation, again.Validation);
        Assert.NotEqual(Enumerable.Range(0, 10), validation);      // drawn at random, not the first ones
    }

    [Theory, InlineData(0), InlineData(1), InlineData(-0.5), InlineData(double.NaN)]
    public void A_share_outside_0_to_1_is_refused(double share) =>
        Assert.Contains("Received: ", Refused(share), StringComparison.Ordinal);

    [Fact]
    public void A_share_that_leaves_no_example_is_refused() =>
        Assert.Contains("0.1 of 3", Refused(0.1), StringComparison.Ordinal);
}
