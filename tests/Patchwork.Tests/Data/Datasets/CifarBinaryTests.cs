using Patchwork.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class CifarBinaryTests : IDisposable
{
    private static readonly string[] Names = ["plane", "car", "bird"];

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-cifar-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(string name) => Path.Combine(folder, name);

    // Writes records with `labelBytes` label bytes, of which the last is the label, and pixels that identify their record and plane.
    private void Write(string name, int labelBytes, params byte[] labels) =>
        File.WriteAllBytes(At(name), [.. labels.SelectMany((label, record) => (byte[])
        [
            .. Enumerable.Repeat((byte)200, labelBytes - 1), label,
            .. Enumerable.Range(0, 3072).Select(pixel => (byte)(10 * record + pixel / 1024)),
        ])]);

    private string Refused(string[] files, int records, int labelBytes) =>
        Assert.Throws<InputException>(() => CifarBinary.Open(folder, files, records, labelBytes, Names)).Message;

    private string RefusedPublished(string id) =>
        Assert.Throws<InputException>(() => DatasetCatalogue.Open(id, new DataOptions { Data = folder })).Message;

    [Theory, InlineData(1), InlineData(2)]
    public void Labels_and_planes_are_read_at_the_offsets_of_the_format(int labelBytes)
    {
        Write("a.bin", labelBytes, 2, 0);
        Write("b.bin", labelBytes, 1, 1);
        var set = CifarBinary.Open(folder, ["a.bin", "b.bin"], 2, labelBytes, Names);
        Assert.Equal((4, 3, 32, 32), (set.Count, set.Channels, set.Height, set.Width));
        Assert.Equal([2, 0, 1, 1], Enumerable.Range(0, 4).Select(set.Label));
        var pixels = set.Read(3, []);
        Assert.Equal(3072, pixels.Length);
        Assert.Equal((10, 11, 12), (pixels[0], pixels[1024], pixels[3071]));
    }

    [Fact]
    public void A_folder_of_PNG_images_opens_as_CIFAR_10()
    {
        string[] names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
        foreach (var (part, i, name) in names.SelectMany((name, i) => new[] { ("train", i, name), ("test", i, name) }))
        {
            Directory.CreateDirectory(Path.Combine(At(part), name));
            PictureFiles.Write(Path.Combine(At(part), name, "0001.png"),
                PictureFiles.Paint(32, 32, (y, x) => new SKColor((byte)(20 * i), (byte)(7 * y), (byte)(8 * x))));
        }
        var pair = DatasetCatalogue.Open("cifar10", new DataOptions { Data = folder });
        Assert.Equal(("cifar10", 10, 10), (pair.Id, pair.Train.Count, pair.Test.Count));
        Assert.Equal(names, pair.Train.ClassNames);
        Assert.Equal(125.3f / 255, pair.Train.Normalization.Mean[0]);      // CIFAR's, not ImageNet's
        var pixels = pair.Test.Read(7, []);
        Assert.Equal((7, 140, 7 * 31, 8 * 31), (pair.Test.Label(7), pixels[5], pixels[2047], pixels[3071]));
        Directory.Delete(Path.Combine(At("train"), "truck"), recursive: true);
        Directory.Delete(Path.Combine(At("test"), "truck"), recursive: true);
        Assert.Contains("10 classes", RefusedPublished("cifar10"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_error_names_the_missing_file()
    {
        Assert.Contains(At("a.bin"), Refused(["a.bin"], 2, 1), StringComparison.Ordinal);
        Assert.Contains(At("batches.meta.txt"), RefusedPublished("cifar10"), StringComparison.Ordinal);
        Assert.Contains(At("fine_label_names.txt"), RefusedPublished("cifar100"), StringComparison.Ordinal);
        File.WriteAllLines(At("batches.meta.txt"), Enumerable.Range(0, 10).Select(i => $"class {i}"));
        Assert.Contains(At("data_batch_1.bin"), RefusedPublished("cifar10"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_the_wrong_length_is_rejected_with_both_lengths()
    {
        Write("a.bin", 1, 0, 1);
        var message = Refused(["a.bin"], 3, 1);
        Assert.Contains(At("a.bin"), message, StringComparison.Ordinal);
        Assert.Contains("9219 bytes", message, StringComparison.Ordinal);
        Assert.Contains("6146 bytes", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_label_out_of_range_is_rejected_with_its_record_and_file()
    {
        Write("a.bin", 1, 0, 1);
        Write("b.bin", 1, 2, 3);
        var message = Refused(["a.bin", "b.bin"], 2, 1);
        Assert.Contains("Received: 3 in record 1 of " + At("b.bin"), message, StringComparison.Ordinal);
        Assert.Contains("0 to 2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_of_too_few_class_names_is_refused()
    {
        File.WriteAllText(At("batches.meta.txt"), "airplane\n\ncat\n");
        Assert.Contains("10 classes. Received: 2", RefusedPublished("cifar10"), StringComparison.Ordinal);
    }

    [Fact]
    public void Cifar10_matches_the_published_data_set()
    {
        var pair = OpenPublished("cifar10");
        Assert.Equal(("cifar10", 50_000, 10_000), (pair.Id, pair.Train.Count, pair.Test.Count));
        Assert.Equal(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"], pair.Train.ClassNames);
        Assert.Equal([6, 9, 9, 4, 1], Enumerable.Range(0, 5).Select(pair.Train.Label));
        Assert.Equal([3, 8, 8, 0, 6], Enumerable.Range(0, 5).Select(pair.Test.Label));
        Assert.All(Enumerable.Range(0, 50_000).CountBy(pair.Train.Label), pair => Assert.Equal(5000, pair.Value));
        // 125.3, 123.0, 113.9: the constants of the CutMix authors' code.
        AssertChannelMeans(pair.Train, [125.3, 123.0, 113.9]);
    }

    [Fact]
    public void Cifar100_matches_the_published_data_set()
    {
        var pair = OpenPublished("cifar100");
        Assert.Equal(("cifar100", 50_000, 10_000), (pair.Id, pair.Train.Count, pair.Test.Count));
        Assert.Equal(100, pair.Train.ClassNames.Count);
        Assert.Equal(("apple", "worm"), (pair.Train.ClassNames[0], pair.Train.ClassNames[99]));
        Assert.All(Enumerable.Range(0, 50_000).CountBy(pair.Train.Label), pair => Assert.Equal(500, pair.Value));
        Assert.All(Enumerable.Range(0, 10_000).CountBy(pair.Test.Label), pair => Assert.Equal(100, pair.Value));
        // 0.5071, 0.4865, 0.4409 on [0, 1]: the constants in common use.
        AssertChannelMeans(pair.Train, [129.3, 124.1, 112.4]);
    }

    private static DatasetPair OpenPublished(string id)
    {
        var data = Environment.GetEnvironmentVariable("PATCHWORK_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(data), "PATCHWORK_DATA does not name a folder with the published files.");
        return DatasetCatalogue.Open(id, new DataOptions { Data = data });
    }

    private static void AssertChannelMeans(Dataset set, double[] expected)
    {
        var sums = new long[3];
        for (var i = 0; i < set.Count; i++)
        {
            var pixels = set.Read(i, []);
            for (var pixel = 0; pixel < pixels.Length; pixel++)
                sums[pixel / 1024] += pixels[pixel];
        }
        for (var channel = 0; channel < 3; channel++)
            Assert.Equal(expected[channel], sums[channel] / (1024.0 * set.Count), 0.1);
    }
}
