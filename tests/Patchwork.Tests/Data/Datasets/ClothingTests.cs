using System.IO.Compression;
using System.Security.Cryptography;
using Patchwork.Data;
using Patchwork.Imaging;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class ClothingTests
{
    private static DatasetPair At(int? size) => DatasetCatalogue.Open("clothing", new DataOptions { ImageSize = size });

    // Entries in the order in which one folder per class would be read.
    private static ZipArchiveEntry[] Entries(ZipArchive archive, string part) =>
        [.. archive.Entries.Where(entry => entry.FullName.StartsWith(part + "/", StringComparison.Ordinal))
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal)];

    private static ZipArchive Archive() => new(typeof(DatasetCatalogue).Assembly.GetManifestResourceStream("clothing-64.zip")!);

    [Fact]
    public void The_archive_matches_the_published_one_and_contains_its_licence_and_sources()
    {
        using var file = typeof(DatasetCatalogue).Assembly.GetManifestResourceStream("clothing-64.zip")!;
        Assert.Equal("5202cba621c52f796946e820f35617d73e9cac12f8dacf6f53f53349620ddc96", Convert.ToHexStringLower(SHA256.HashData(file)));
        using var archive = Archive();
        using var licence = new StreamReader(archive.GetEntry("LICENSE.txt")!.Open());
        Assert.Contains("CC0", licence.ReadToEnd(), StringComparison.Ordinal);
        using var sources = new StreamReader(archive.GetEntry("SOURCES.csv")!.Open());
        var lines = sources.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + 2_781 + 1_000, lines.Length);
    }

    [Theory]
    [InlineData(32, "fb02907959f4a1c8ab27babae6f568c0cc9313bda1c172bbbe5f1b6f520db63b", "b8d4d4fb92ab5b341228f738ead52f7ba2f008c3d05fda0e6240aec6485a698c")]
    [InlineData(64, "3a6730ccca5406983e7b4bd939f369808ab7cc39a004918d060ded5667a05cfd", "137caa2ac2068af1b6fb94930529c8b55fa703deb4581c7184227644d754e9b3")]
    public void Decoded_pixels_and_labels_match_their_pinned_checksums(int size, string train, string test)
    {
        var pair = At(size);
        Assert.Equal((train, test), (Checksum(pair.Train), Checksum(pair.Test)));
    }

    [Fact]
    public void Classes_and_counts_match_the_archive()
    {
        var pair = At(null);
        Assert.Equal(["dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt", "t-shirt"],
            pair.Train.ClassNames);
        Assert.Equal([212, 110, 424, 181, 411, 254, 218, 189, 100, 682], Counts(pair.Train));
        Assert.Equal([76, 39, 152, 65, 148, 91, 79, 68, 36, 246], Counts(pair.Test));
        Assert.Equal((32, 32, 3), (pair.Train.Height, pair.Train.Width, pair.Train.Channels));
        using var archive = Archive();
        foreach (var (part, set) in new[] { ("train", pair.Train), ("test", pair.Test) })
        {
            Assert.Equal(Entries(archive, part).Select(entry => entry.FullName.Split('/')[1]),
                Enumerable.Range(0, set.Count).Select(i => set.ClassNames[set.Label(i)]));
        }
    }

    [Theory, InlineData(8), InlineData(16), InlineData(32)]
    public void A_size_that_divides_64_averages_blocks_of_pixels(int size)
    {
        var (whole, small, block) = (At(64).Test, At(size).Test, 64 / size);
        for (var i = 0; i < whole.Count; i += 97)
        {
            var (pixels, means) = (whole.Read(i, []).ToArray(), small.Read(i, []).ToArray());
            for (var at = 0; at < means.Length; at++)
            {
                var (channel, y, x) = (at / (size * size), at / size % size, at % size);
                var mean = (from row in Enumerable.Range(y * block, block)
                            from column in Enumerable.Range(x * block, block)
                            select (int)pixels[(channel * 64 + row) * 64 + column]).Average();
                Assert.InRange(means[at] - mean, -0.5, 0.5);
            }
        }
    }

    [Theory, InlineData(9), InlineData(48), InlineData(100), InlineData(1024)]
    public void Any_other_size_is_resampled_from_64_as_the_image_decoder_does(int size)
    {
        var test = At(size).Test;
        using var archive = Archive();
        using var stream = Entries(archive, "test")[500].Open();
        using var file = new MemoryStream();
        stream.CopyTo(file);
        var expected = new byte[3 * size * size];
        ImageDecoder.Decode(file.ToArray(), "500", size, size, expected, 3, ImageDecoder.LargestPixels,
            (height, width) => Window.Centered(height, width, size, size));
        Assert.Equal(expected, test.Read(500, new byte[test.ImageBytes]).ToArray());
    }

    [Theory, InlineData(7), InlineData(1025)]
    public void A_size_out_of_range_is_refused(int size) =>
        Assert.Contains("`ImageSize` must be 8 to 1024", Assert.Throws<InputException>(() => At(size)).Message, StringComparison.Ordinal);

    [Fact]
    public void No_test_image_has_the_same_pixels_as_a_training_image()
    {
        var pair = At(64);
        var seen = Hashes(pair.Train).ToHashSet();
        Assert.DoesNotContain(Hashes(pair.Test), seen.Contains);
    }

    [Fact]
    public void Normalization_is_the_mean_and_standard_deviation_of_the_training_pixels()
    {
        var train = At(null).Train;
        for (var channel = 0; channel < 3; channel++)
        {
            var levels = new long[256];
            for (var i = 0; i < train.Count; i++)
            {
                foreach (var level in train.Read(i, []).Slice(channel * 1024, 1024))
                    levels[level]++;
            }
            var mean = levels.Select((count, level) => count * level / 255.0).Sum() / levels.Sum();
            var variance = levels.Select((count, level) => count * Math.Pow(level / 255.0 - mean, 2)).Sum() / levels.Sum();
            Assert.Equal(mean, train.Normalization.Mean[channel], 1e-4);
            Assert.Equal(Math.Sqrt(variance), train.Normalization.StandardDeviation[channel], 1e-4);
        }
    }

    private static int[] Counts(Dataset set)
    {
        var counts = new int[set.ClassNames.Count];
        for (var i = 0; i < set.Count; i++)
            counts[set.Label(i)]++;
        return counts;
    }

    private static IEnumerable<string> Hashes(Dataset set) =>
        Enumerable.Range(0, set.Count).Select(i => Convert.ToHexString(SHA256.HashData(set.Read(i, []))));

    private static string Checksum(Dataset set)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < set.Count; i++)
        {
            hash.AppendData(set.Read(i, []));
            hash.AppendData([(byte)set.Label(i)]);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
