using System.Buffers.Binary;
using System.IO.Compression;
using Patchwork.Data;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class IdxFilesTests : IDisposable
{
    private const int Area = 28 * 28;

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-idx-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    private static byte[] Header(uint magic, params int[] sizes)
    {
        var header = new byte[4 + 4 * sizes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(header, magic);
        for (var i = 0; i < sizes.Length; i++)
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + 4 * i), sizes[i]);
        return header;
    }

    // Every pixel of image i is 10 i, except the last one, which is 255.
    private static byte[] Images(int count) =>
        [
            .. Header(0x0803, count, 28, 28),
            .. Enumerable.Range(0, count * Area).Select(i => (byte)(i % Area == Area - 1 ? 255 : 10 * (i / Area))),
        ];

    private static byte[] Labels(params byte[] labels) => [.. Header(0x0801, labels.Length), .. labels];

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>Writes a complete set: training images of the classes 9, 0 and 4 in turn, and two test images.</summary>
    internal static void Write(string folder, bool packed = false, int train = 3)
    {
        byte[] cycle = [9, 0, 4];
        foreach (var (name, bytes) in new[]
        {
            ("train-images-idx3-ubyte", Images(train)),
            ("train-labels-idx1-ubyte", Labels([.. Enumerable.Range(0, train).Select(i => cycle[i % 3])])),
            ("t10k-images-idx3-ubyte", Images(2)), ("t10k-labels-idx1-ubyte", Labels(1, 2)),
        })
            File.WriteAllBytes(Path.Combine(folder, packed ? name + ".gz" : name), packed ? Gzip(bytes) : bytes);
    }

    private string Refused() =>
        Assert.Throws<InputException>(() => DatasetCatalogue.Open("mnist", new DataOptions { Data = folder })).Message;

    private string Refused(string name, byte[] bytes)
    {
        Write(folder);
        File.WriteAllBytes(At(name), bytes);
        var message = Refused();
        Assert.Contains(At(name), message, StringComparison.Ordinal);
        return message;
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Images_and_labels_are_read_at_the_offsets_of_the_format(bool packed)
    {
        Write(folder, packed);
        var pair = DatasetCatalogue.Open("mnist", new DataOptions { Data = folder });
        Assert.Equal(("mnist", 3, 2), (pair.Id, pair.Train.Count, pair.Test.Count));
        Assert.Equal((1, 28, 28), (pair.Train.Channels, pair.Train.Height, pair.Train.Width));
        Assert.Equal([9, 0, 4], Enumerable.Range(0, 3).Select(pair.Train.Label));
        var pixels = pair.Train.Read(2, []);
        Assert.Equal((Area, 20, 20, 255), (pixels.Length, pixels[0], pixels[Area - 2], pixels[Area - 1]));
        Assert.Equal(["0", "9"], new[] { pair.Test.ClassNames[0], pair.Test.ClassNames[9] });
    }

    [Theory]
    [InlineData("mnist", "."), InlineData("mnist", "mnist"), InlineData("mnist", "MNIST/raw")]
    [InlineData("fashionmnist", "."), InlineData("fashionmnist", "fashion-mnist"), InlineData("fashionmnist", "FashionMNIST/raw")]
    public void A_set_is_found_in_its_own_folder_and_below_the_parent(string id, string under)
    {
        Write(Directory.CreateDirectory(At(under)).FullName);
        var pair = DatasetCatalogue.Open(id, new DataOptions { Data = folder });
        Assert.Equal((id, 3), (pair.Id, pair.Train.Count));
    }

    [Fact]
    public void A_file_that_a_browser_unpacked_without_renaming_it_is_read()
    {
        Write(folder);
        File.Move(At("train-images-idx3-ubyte"), At("train-images-idx3-ubyte.gz"));
        Assert.Equal(3, DatasetCatalogue.Open("mnist", new DataOptions { Data = folder }).Train.Count);
    }

    [Fact]
    public void The_error_names_the_missing_file()
    {
        Assert.Contains(At("train-images-idx3-ubyte.gz"), Refused(), StringComparison.Ordinal);
        Write(folder, packed: true);
        File.Delete(At("t10k-labels-idx1-ubyte.gz"));
        Assert.Contains(At("t10k-labels-idx1-ubyte.gz"), Refused(), StringComparison.Ordinal);
    }

    [Theory, InlineData(2367, false), InlineData(16, false), InlineData(900, true)]
    public void A_truncated_file_is_rejected_with_both_lengths(int length, bool packed)
    {
        var bytes = Images(3)[..length];
        var message = Refused("train-images-idx3-ubyte", packed ? Gzip(bytes) : bytes);
        Assert.Contains("2368 bytes", message, StringComparison.Ordinal);
        Assert.Contains($"Received: {length} bytes", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_header_is_rejected()
    {
        Assert.Contains("at least 16 bytes", Refused("train-images-idx3-ubyte", Images(3)[..15]), StringComparison.Ordinal);
        Assert.Contains("Received: 0 bytes", Refused("t10k-labels-idx1-ubyte", []), StringComparison.Ordinal);
    }

    [Theory, InlineData(0.02), InlineData(0.5), InlineData(0.98)]
    public void A_truncated_gzip_file_is_rejected(double share)
    {
        var noise = new SeedStream(1).Open("noise");
        var packed = Gzip([.. Header(0x0803, 3, 28, 28), .. Enumerable.Range(0, 3 * Area).Select(_ => (byte)noise.Integer(256))]);
        Assert.Contains("Received: ", Refused("train-images-idx3-ubyte", packed[..(int)(share * packed.Length)]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_magic_number_is_refused()
    {
        Assert.Contains("0x00000803. Received: 0x00000801", Refused("train-images-idx3-ubyte", [.. Labels(1, 2, 3), .. new byte[9]]),
            StringComparison.Ordinal);
        Assert.Contains("0x00000d01", Refused("t10k-labels-idx1-ubyte", [.. Header(0x0d01, 2), .. new byte[8]]), StringComparison.Ordinal);
    }

    [Fact]
    public void Images_of_another_size_are_refused() =>
        Assert.Contains("28×28. Received: 32", Refused("train-images-idx3-ubyte", [.. Header(0x0803, 3, 28, 32), .. new byte[3 * 28 * 32]]),
            StringComparison.Ordinal);

    [Theory, InlineData(0, "Received: 0"), InlineData(60_001, "1 to 60000 items. Received: 60001"), InlineData(-1, "Received: 4294967295")]
    public void An_image_count_outside_the_published_range_is_rejected(int count, string expected) =>
        Assert.Contains(expected, Refused("train-images-idx3-ubyte", Header(0x0803, count, 28, 28)), StringComparison.Ordinal);

    [Theory, InlineData(false), InlineData(true)]
    public void More_bytes_than_declared_are_refused(bool packed)
    {
        byte[] bytes = [.. Images(3), 0];
        Assert.Contains("2368 bytes that its header declares. Received: more",
            Refused("train-images-idx3-ubyte", packed ? Gzip(bytes) : bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gzip_bomb_is_abandoned_after_one_byte_too_many()
    {
        using var file = new CountingStream(Gzip([.. Images(1), .. new byte[1 << 28]]));
        var error = Assert.Throws<InputException>(() => IdxFiles.Values(file, "bomb", 1, 28, 28));
        Assert.Contains("Received: more", error.Message, StringComparison.Ordinal);
        Assert.InRange(file.Taken, 1, 1 << 16);      // of 1.2 MB that unpack to 256
    }

    [Fact]
    public void A_label_out_of_range_is_rejected_with_its_position() =>
        Assert.Contains("0 to 9. Received: 10 at index 1 of", Refused("train-labels-idx1-ubyte", Labels(0, 10, 3)),
            StringComparison.Ordinal);

    [Fact]
    public void Images_without_labels_are_refused() =>
        Assert.Contains("Received: 2 labels", Refused("train-labels-idx1-ubyte", Labels(0, 1)), StringComparison.Ordinal);

    [Fact]
    public void A_grey_image_keeps_its_pixels_through_the_loader()
    {
        Write(folder);
        var set = DatasetCatalogue.Open("mnist", new DataOptions { Data = folder }).Train;
        using var loader = new BatchLoader(set, new SeedStream(1), LoaderOptions.Evaluation(2));
        foreach (var batch in loader.Epoch(0))
        {
            Assert.Equal([batch.Count, 1, 28, 28], batch.Images.shape);
            using var flat = batch.Images.clone();
            var values = flat.data<float>().ToArray();
            for (var i = 0; i < batch.Count; i++)
            {
                var image = values[(i * Area)..((i + 1) * Area)];
                var expected = set.Read(batch.Ids[i], []).ToArray().Select(value => (value / 255f - 0.1307f) / 0.3081f);
                Assert.All(expected.Zip(image), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
            }
        }
    }

    [Fact]
    public void The_Fashion_MNIST_test_set_matches_the_published_one()
    {
        var set = IdxFiles.OpenFashionTest(Path.Combine(Data(), "fashion-mnist"));
        Assert.Equal(10_000, set.Count);
        Assert.Equal([9, 2, 1, 1, 6, 1, 4, 6, 5, 7], Enumerable.Range(0, 10).Select(set.Label));
        Assert.Equal("Ankle boot", set.ClassNames[set.Label(0)]);
        Assert.All(Enumerable.Range(0, 10_000).CountBy(set.Label), pair => Assert.Equal(1000, pair.Value));
        // The constants were computed from the training images alone.
        AssertNormalized(set, 0.005);
    }

    [Theory, InlineData("mnist"), InlineData("fashionmnist")]
    public void Normalization_is_the_mean_and_standard_deviation_of_the_training_set(string id)
    {
        DatasetPair pair;
        try
        {
            pair = DatasetCatalogue.Open(id, new DataOptions { Data = Data() });
        }
        catch (InputException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
        AssertNormalized(pair.Train, 0.00006);
    }

    private static void AssertNormalized(Dataset set, double tolerance)
    {
        var counts = new long[256];
        for (var i = 0; i < set.Count; i++)
            foreach (var value in set.Read(i, []))
                counts[value]++;
        var pixels = (double)set.Count * Area;
        var mean = counts.Select((count, value) => count * (value / 255.0)).Sum() / pixels;
        var variance = counts.Select((count, value) => count * Math.Pow(value / 255.0 - mean, 2)).Sum() / pixels;
        Assert.Equal(set.Normalization.Mean[0], mean, tolerance);
        Assert.Equal(set.Normalization.StandardDeviation[0], Math.Sqrt(variance), tolerance);
    }

    private static string Data()
    {
        var data = Environment.GetEnvironmentVariable("PATCHWORK_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(data), "PATCHWORK_DATA does not name a folder with the published files.");
        return data!;
    }

    private sealed class CountingStream(byte[] bytes) : MemoryStream(bytes)
    {
        public long Taken { get; private set; }

        public override int Read(Span<byte> buffer) => Count(base.Read(buffer));

        public override int Read(byte[] buffer, int offset, int count) => Count(base.Read(buffer, offset, count));

        private int Count(int read)
        {
            Taken += read;
            return read;
        }
    }
}
