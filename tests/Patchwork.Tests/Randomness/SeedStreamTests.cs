using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Randomness;

[Collection(SerialCollection.Name)]      // all tests share torch's default generator
public sealed class SeedStreamTests
{
    private static uint[] First(Draws draws, int count = 9) => [.. Enumerable.Range(0, count).Select(_ => draws.NextUInt32())];

    [Fact]
    public void The_same_address_gives_the_same_values_again() =>
        Assert.Equal(First(new SeedStream(5).Open("mix", 2, 3)), First(new SeedStream(5).Open("mix", 2, 3)));

    [Fact]
    public void Another_seed_purpose_epoch_or_index_gives_other_values()
    {
        Draws[] streams =
        [
            new SeedStream(5).Open("mix", 2, 3), new SeedStream(6).Open("mix", 2, 3), new SeedStream(5 + (1UL << 32)).Open("mix", 2, 3),
            new SeedStream(5).Open("augment", 2, 3), new SeedStream(5).Open("mix", 3, 3), new SeedStream(5).Open("mix", 2, 4),
            new SeedStream(5).Open("mix", 3, 2),
        ];
        // 7 · 9 words of 32 bits: a single coincidence has a chance of 5e-7.
        Assert.Equal(streams.Length * 9, streams.SelectMany(stream => First(stream)).Distinct().Count());
    }

    [Fact]
    public void Neighbouring_streams_do_not_correlate()
    {
        const int Count = 20_000;
        var seeds = new SeedStream(0);
        Func<int, Draws>[] neighbours = [i => seeds.Open("mix", 0, i + 1), i => seeds.Open("mix", 1, i), i => seeds.Open("augment", 0, i)];
        foreach (var neighbour in neighbours)
        {
            var products = Enumerable.Range(0, Count).Average(i =>
                (seeds.Open("mix", 0, i).Uniform() - 0.5) * (neighbour(i).Uniform() - 0.5));
            Assert.Equal(0, products * 12, 4 / Math.Sqrt(Count));      // variance of a uniform: 1/12
        }
    }

    [Fact]
    public void Values_do_not_depend_on_reads_from_other_streams()
    {
        var seeds = new SeedStream(5);
        var alone = First(seeds.Open("mix"));
        var (one, other) = (seeds.Open("mix"), seeds.Open("augment"));
        var between = new List<uint>();
        for (var i = 0; i < alone.Length; i++)
        {
            between.Add(one.NextUInt32());
            other.Permutation(10);
            seeds.Open("mix").Normal();
        }
        Assert.Equal(alone, between);
    }

    [Fact]
    public void A_stream_reads_consecutive_blocks_of_the_generator()
    {
        var id = new StreamId(0x0123456789abcdef, "mix", 4, 9);
        var draws = new SeedStream(id.Seed).Open(id.Purpose, id.Epoch, id.Index);
        Assert.Equal(id, draws.Id);
        for (var block = 0u; block < 3; block++)
        {
            var expected = Philox4x32.Block(block, 9, 4, Draws.Hash("mix"), 0x89abcdef, 0x01234567);
            Assert.Equal(expected, (draws.NextUInt32(), draws.NextUInt32(), draws.NextUInt32(), draws.NextUInt32()));
        }
    }

    [Theory, InlineData(-1, 0), InlineData(0, -1), InlineData(1L << 32, 0), InlineData(0, 1L << 32)]
    public void An_address_outside_32_bits_is_rejected(long epoch, long index) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SeedStream(0).Open("mix", epoch, index));

    [Fact]
    public void Torch_repeats_its_values_when_seeded_with_the_same_address()
    {
        float[] Values(string purpose, long epoch)
        {
            new SeedStream(5).SeedTorch(purpose, epoch);
            using var values = torch.rand(100);
            return values.data<float>().ToArray();
        }
        var first = Values("step", 1);
        Assert.NotEqual(first, Values("step", 2));
        Assert.NotEqual(first, Values("model", 1));
        Assert.Equal(first, Values("step", 1));
    }
}
