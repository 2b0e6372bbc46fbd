using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Data;

[Collection(SerialCollection.Name)]
public sealed class BatchLoaderTests
{
    private static readonly CropFlip Strong = new() { Padding = 5, Flip = true };

    [Fact]
    public void Batches_are_bit_identical_for_any_number_of_threads()
    {
        var expected = Record(new NoiseImages(), threads: 0);
        Assert.Equal(8, expected.Count);      // two epochs of 37 images in batches of 10
        foreach (var threads in (int[])[1, 2, 8])
            Assert.Equal(expected, Record(new NoiseImages(), threads));
        Assert.Equal(expected, Record(new NoiseImages(inMemory: false), threads: 2));
    }

    [Theory, InlineData(Fill.Mean), InlineData(Fill.Noise)]
    public void Erasing_and_mixing_while_assembling_equals_erasing_then_mixing(Fill fill)
    {
        using var scope = NewDisposeScope();
        var set = new NoiseImages(23, 3, 12, 16);
        using var plain = new BatchLoader(set, new SeedStream(3), Options(0));
        using var loader = new BatchLoader(set, new SeedStream(3), Options(2))
        {
            Planner = new CutMix { Scope = Scope.Example },
            Erasers = [new Cutout { Length = 6 }, new RandomErasing { Probability = 0.8, Fill = fill }],
        };
        foreach (var (batch, bare) in loader.Epoch(4).Zip(plain.Epoch(4)))
        {
            var erased = batch.Erased.Aggregate(bare.Images, Eraser.Apply);
            Assert.True(batch.Erased.All(plan => plan.ChangesPixels));
            Assert.False(new CutMix().Apply(erased, batch.Plan!).ne(batch.Images).any().ToBoolean());
            Assert.False(loader.Unmixed(batch, 4).Images.ne(erased).any().ToBoolean());
        }
    }

    [Fact]
    public void Resized_crops_and_colours_are_the_same_for_any_number_of_threads_and_differ_in_every_epoch()
    {
        List<string> Photographs(int threads) =>
            Record(new NoiseImages(), threads, Options(threads) with { ResizedCrop = new RandomResizedCrop(), Color = new ColorJitter() });
        var expected = Photographs(0);
        Assert.Equal(expected.Count, expected.Distinct().Count());
        foreach (var threads in (int[])[1, 3])
            Assert.Equal(expected, Photographs(threads));
    }

    [Fact]
    public void Mixing_while_assembling_equals_mixing_the_assembled_batch()
    {
        var photographs = Options(0) with
        {
            Augmentation = CropFlip.None with { Flip = true },
            ResizedCrop = new RandomResizedCrop(),
            Color = new ColorJitter { Hue = 0.1 }
        };
        foreach (var (height, width, channels, options) in ((int, int, int, LoaderOptions)[])[(12, 16, 3, Options(0)),
            (9, 7, 1, Options(0)), (5, 30, 3, Options(0)), (2, 3, 1, Options(0)),
            (12, 16, 3, photographs), (9, 7, 1, photographs)])
        {
            using var scope = NewDisposeScope();
            using var loader = new BatchLoader(new NoiseImages(23, channels, height, width), new SeedStream(3), options)
            {
                Planner =
                new CutMix { Scope = Scope.Example }
            };
            foreach (var batch in loader.Epoch(4))
            {
                var before = loader.Unmixed(batch, 4);
                var after = new CutMix().Mix(before, batch.Plan!);
                Assert.False(after.Images.ne(batch.Images).any().ToBoolean());
                Assert.False(after.Targets!.B.ne(batch.Targets!.B).any().ToBoolean());
                Assert.Equal(batch.Labels.data<long>().ToArray(), before.Labels.data<long>().ToArray());
            }
        }
    }

    [Fact]
    public void Pixels_are_cropped_mirrored_padded_and_normalized_as_defined()
    {
        var set = new NoiseImages(19, 3, 6, 11);
        var seeds = new SeedStream(8);
        using var loader = new BatchLoader(set, seeds, new LoaderOptions { BatchSize = 19, Augmentation = Strong, Threads = 0 });
        var batch = loader.Epoch(2).Single();
        var (mirrored, padded) = (0, 0);
        for (var i = 0; i < 19; i++)
        {
            var geometry = Strong.Draw(seeds.Open("augment", 2, batch.Ids[i]));
            mirrored += geometry.Mirrored ? 1 : 0;
            var source = set.Read(batch.Ids[i], []);
            var values = batch.Images[i].contiguous().data<float>().ToArray();
            for (var p = 0; p < values.Length; p++)
            {
                var (c, y, x) = (p / 66, p / 11 % 6, p % 11);
                var (row, column) = (y + geometry.Row, (geometry.Mirrored ? 10 - x : x) + geometry.Column);
                var inside = row is >= 0 and < 6 && column is >= 0 and < 11;
                padded += inside ? 0 : 1;
                var value = inside ? source[c * 66 + row * 11 + column] : 0;
                Assert.Equal((value / 255.0 - set.Normalization.Mean[c]) / set.Normalization.StandardDeviation[c], values[p], 2e-6);
            }
        }
        Assert.InRange(mirrored, 4, 15);
        Assert.True(padded > 100);
    }

    [Fact]
    public void An_epoch_is_a_new_permutation_of_all_examples_and_can_start_at_any_step()
    {
        using var loader = new BatchLoader(new NoiseImages(), new SeedStream(1), Options(1));
        int[] Ids(long epoch, int from = 0) => [.. loader.Epoch(epoch, from).SelectMany(batch => batch.Ids)];
        Assert.Equal(Enumerable.Range(0, 37), Ids(0).Order());
        Assert.NotEqual(Ids(0), Ids(1));
        Assert.Equal(Ids(1)[20..], Ids(1, from: 2));
        Assert.Equal(4, loader.Steps);
    }

    [Fact]
    public void A_failing_example_surfaces_at_its_batch_and_the_loader_stays_usable()
    {
        using var loader = new BatchLoader(new NoiseImages { Broken = 25 }, new SeedStream(1),
            new LoaderOptions { BatchSize = 10, Shuffle = false, Threads = 2 });
        var seen = 0;
        var error = Assert.Throws<IOException>(() =>
        {
            foreach (var _ in loader.Epoch(0))
                seen++;
        });
        Assert.Contains("example 25", error.Message);
        Assert.Equal(2, seen);
        Assert.Equal(10, loader.Epoch(0).First().Count);
    }

    [Fact]
    public void A_second_concurrent_epoch_is_rejected_and_leaving_the_first_early_frees_the_loader()
    {
        using var loader = new BatchLoader(new NoiseImages(), new SeedStream(1), Options(2));
        using (var epoch = loader.Epoch(0).GetEnumerator())
        {
            Assert.True(epoch.MoveNext());
            Assert.Throws<InvalidOperationException>(() => loader.Epoch(1).First());
        }
        Assert.Equal(37, loader.Epoch(1).Sum(batch => batch.Count));
    }

    [Fact]
    public void A_planner_that_needs_pixels_is_rejected_and_no_tensor_leaks()
    {
        var before = LiveTensors.Settled();
        using (var loader = new BatchLoader(new NoiseImages(), new SeedStream(1), Options(2)))
        {
            Assert.Contains("Mix after loading", Assert.Throws<ArgumentException>(() => loader.Planner = new PlannerOfPixels()).Message);
            for (var epoch = 0; epoch < 3; epoch++)
                Assert.Equal(37, loader.Epoch(epoch).Sum(batch => batch.Count));
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static LoaderOptions Options(int threads) => new() { BatchSize = 10, Augmentation = Strong, Threads = threads };

    private static List<string> Record(Dataset set, int threads, LoaderOptions? options = null)
    {
        using var loader = new BatchLoader(set, new SeedStream(6), options ?? Options(threads))
        {
            Planner =
            new CutMix { Probability = 0.8 }
        };
        var batches = new List<string>();
        for (var epoch = 0; epoch < 2; epoch++)
            foreach (var batch in loader.Epoch(epoch))
                batches.Add($"{Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(batch.Images.bytes))} "
                    + $"{string.Join(",", batch.Ids)} {batch.Plan!.ToJson()} {string.Join(",", batch.Targets!.B.data<long>().ToArray())}");
        return batches;
    }

    private sealed class PlannerOfPixels : IPlanner
    {
        public Needs Needs => Needs.Images;

        public bool PlansBoxes => true;

        public MixPlan Plan(MixContext context) => throw new InvalidOperationException("never called");
    }
}
