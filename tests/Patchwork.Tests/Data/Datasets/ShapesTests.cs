using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Patchwork.Data;
using Patchwork.Plans;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class ShapesTests
{
    private static readonly DatasetPair Pair = DatasetCatalogue.Open("shapes", new DataOptions());

    // The data set was frozen after its difficulty had been tuned on the baseline alone (ResNet-8, 20 epochs: training accuracy 99.4 %,
    // test error 28 %) and before any mixing method was run on it.
    [Fact]
    public void Pixels_labels_boxes_and_masks_match_their_frozen_checksums()
    {
        Assert.Equal("8fb20e0e5344a273017e643db0a6df2adf1cac9837834d621d1eb51287edf8a7 "
            + "3be2facf572611f143679b22981ad50ebd64887005b7b0181204b29d20c3e56c", Checksum(Pair.Train) + " " + Checksum(Pair.Test));
    }

    [Theory]
    [InlineData(true, 2_000)]
    [InlineData(false, 1_000)]
    public void Classes_are_balanced_and_shuffled(bool train, int count)
    {
        var set = train ? Pair.Train : Pair.Test;
        Assert.Equal(count, set.Count);
        int[] labels = [.. Enumerable.Range(0, count).Select(set.Label)];
        Assert.All(labels.CountBy(label => label), group => Assert.Equal(count / 10, group.Value));
        Assert.NotEqual(labels.Order(), labels);
        Assert.NotEqual(Enumerable.Range(0, count).Select(i => i % 10), labels);
    }

    [Fact]
    public void The_box_is_tight_around_the_mask_and_the_figure_has_20_to_700_pixels()
    {
        foreach (var set in (Dataset[])[Pair.Train, Pair.Test])
        {
            for (var i = 0; i < set.Count; i++)
            {
                var mask = set.ObjectMask(i).ToArray();
                var box = set.ObjectBox(i)!.Value;
                Assert.True(box.FitsIn(32, 32));
                int[] rows = [.. Enumerable.Range(0, 1024).Where(p => mask[p] == 1).Select(p => p / 32)], columns =
                    [.. Enumerable.Range(0, 1024).Where(p => mask[p] == 1).Select(p => p % 32)];
                Assert.Equal(new Box(rows.Min(), columns.Min(), rows.Max() + 1, columns.Max() + 1), box);
                Assert.InRange(rows.Length, 20, 700);
            }
        }
    }

    [Fact]
    public void No_test_image_equals_a_training_image()
    {
        var seen = Enumerable.Range(0, Pair.Train.Count).Select(i => Convert.ToHexString(SHA256.HashData(Pair.Train.Read(i, []))))
            .ToHashSet();
        Assert.Equal(Pair.Train.Count, seen.Count);
        Assert.DoesNotContain(Enumerable.Range(0, Pair.Test.Count), i =>
            seen.Contains(Convert.ToHexString(SHA256.HashData(Pair.Test.Read(i, [])))));
    }

    [Fact]
    public void Normalization_is_the_mean_and_standard_deviation_of_the_training_pixels()
    {
        for (var channel = 0; channel < 3; channel++)
        {
            var values = Enumerable.Range(0, Pair.Train.Count).SelectMany(i => Pair.Train.Read(i, []).Slice(channel * 1024, 1024).ToArray())
                .Select(v => v / 255.0).ToArray();
            var mean = values.Average();
            Assert.Equal(mean, Pair.Train.Normalization.Mean[channel], 1e-3);
            Assert.Equal(Math.Sqrt(values.Average(v => (v - mean) * (v - mean))), Pair.Train.Normalization.StandardDeviation[channel],
                1e-3);
        }
    }

    private static string Checksum(Dataset set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < set.Count; i++)
        {
            hash.AppendData(set.Read(i, []));
            hash.AppendData(set.ObjectMask(i));
            int[] rest = [set.Label(i), set.ObjectBox(i)!.Value.Top, set.ObjectBox(i)!.Value.Left, set.ObjectBox(i)!.Value.Bottom,
                set.ObjectBox(i)!.Value.Right];
            hash.AppendData(MemoryMarshal.AsBytes(rest.AsSpan()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
