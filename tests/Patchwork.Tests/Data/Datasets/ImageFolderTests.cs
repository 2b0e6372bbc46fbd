using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class ImageFolderTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("patchwork-folder-").FullName;

    public static TheoryData<long> Limits => [long.MaxValue, 0];

    public void Dispose() => Directory.Delete(root, recursive: true);

    private string At(params string[] names) => Path.Combine([root, .. names]);

    private DatasetPair Open(bool skipDamaged = false, int? size = 8, long limit = long.MaxValue) =>
        ImageFolder.Open(new DataOptions { Data = root, ImageSize = size, SkipDamaged = skipDamaged }, limit);

    private string Refused(bool skipDamaged = false, int? size = 8, long limit = long.MaxValue) =>
        Assert.Throws<InputException>(() => Open(skipDamaged, size, limit)).Message;

    // Writes two classes of ten images. Image i of a class has a single colour: red 10 i, green 100 times the label.
    private void WriteTwoClasses(params string[] under)
    {
        foreach (var (name, label) in new[] { ("cat", 0), ("dog", 1) })
        {
            for (var i = 0; i < 10; i++)
                PictureFiles.WritePlain(At([.. under, name, $"{i}.png"]), new SKColor((byte)(10 * i), (byte)(100 * label), 0));
        }
    }

    [Theory, MemberData(nameof(Limits))]
    public void One_folder_per_class_is_split_four_to_one_within_each_class(long limit)
    {
        WriteTwoClasses();
        var pair = Open(limit: limit);
        Assert.Equal("folder", pair.Id);
        Assert.Equal(["cat", "dog"], pair.Train.ClassNames);
        Assert.Equal((16, 4), (pair.Train.Count, pair.Test.Count));
        Assert.Equal(2, Enumerable.Range(0, 4).Count(i => pair.Test.Label(i) == 1));
        Assert.Equal(limit > 0, pair.Train.InMemory);
        Assert.Equal((3, 8, 8), (pair.Train.Channels, pair.Train.Height, pair.Train.Width));
        var seen = new HashSet<(byte, byte)>();
        var scratch = new byte[pair.Train.ImageBytes];
        foreach (var set in new[] { pair.Train, pair.Test })
        {
            for (var i = 0; i < set.Count; i++)
            {
                var pixels = set.Read(i, scratch);
                Assert.Equal(100 * set.Label(i), pixels[64]);
                seen.Add((pixels[0], pixels[64]));
            }
        }
        Assert.Equal(20, seen.Count);
    }

    [Theory, MemberData(nameof(Limits))]
    public void Large_JPEG_files_use_scaled_decoding_unless_it_is_disabled(long limit)
    {
        foreach (var name in new[] { "cat", "dog" })
            PictureFiles.WriteNoise(At(name, "large.jpg"), 101, 75);
        byte[] Whole(bool scaled)
        {
            var planar = new byte[3 * 8 * 8];
            ImageDecoder.Decode(At("cat", "large.jpg"), 8, 8, planar, scaled: scaled);
            return planar;
        }
        byte[] Part(bool scaled)
        {
            var planar = new byte[3 * 8 * 8];
            ImageDecoder.DecodeWindow(At("cat", "large.jpg"), 8, 8, planar, (_, _) => new Window(3, 4, 70, 64), scaled);
            return planar;
        }
        Assert.NotEqual(Whole(true), Whole(false));
        Assert.NotEqual(Part(true), Part(false));
        Assert.True(new DataOptions().ScaledDecoding);
        foreach (var scaled in new[] { true, false })
        {
            var set = new ImageFolder(root, 8, new DataOptions { ScaledDecoding = scaled }, limit);
            var read = new byte[set.ImageBytes];
            Assert.Equal(Whole(scaled), set.Read(0, read).ToArray());
            set.ReadWindow(0, (_, _) => new Window(3, 4, 70, 64), read);
            Assert.Equal(Part(scaled), read);
            Assert.Equal(scaled, ImageFiles.DecodesScaled(new Subset(set, [1])));
        }
    }

    [Fact]
    public void Reading_from_files_and_from_memory_gives_the_same_bytes()
    {
        foreach (var name in new[] { "a/1.jpg", "a/2.webp", "b/1.png", "b/2.JPEG", "b/3.png" })
            PictureFiles.WriteNoise(At(name), 33, 50);
        var memory = new ImageFolder(root, 16, new DataOptions());
        var files = new ImageFolder(root, 16, new DataOptions(), 0);
        Assert.Equal(5, memory.Count);
        Assert.Equal((true, false), (memory.InMemory, files.InMemory));
        for (var i = 0; i < memory.Count; i++)
            Assert.Equal(memory.Read(i, []).ToArray(), files.Read(i, new byte[files.ImageBytes]).ToArray());
    }

    [Theory, InlineData("test"), InlineData("val")]
    public void Train_and_test_folders_are_used_without_a_further_split(string name)
    {
        WriteTwoClasses("train");
        WriteTwoClasses(name);
        File.Delete(At(name, "dog", "3.png"));
        var pair = Open();
        Assert.Equal((20, 19), (pair.Train.Count, pair.Test.Count));
        Assert.Equal(pair.Train.ClassNames, pair.Test.ClassNames);
        Assert.Equal(At("train", "cat", "0.png"), Assert.IsType<ImageFolder>(pair.Train).FilePath(0));
    }

    [Fact]
    public void Class_names_are_sorted_by_character_code()
    {
        foreach (var name in new[] { "b", "a", "Z", "10", "9" })
            PictureFiles.WritePlain(At(name, "1.png"), SKColors.Red);
        Assert.Equal(["10", "9", "Z", "a", "b"], new ImageFolder(root, 8, new DataOptions()).ClassNames);
    }

    [Fact]
    public void Hidden_files_and_files_that_are_not_images_are_ignored()
    {
        WriteTwoClasses();
        File.WriteAllText(At("README.md"), "");
        File.WriteAllText(At("cat", "labels.csv"), "");
        File.WriteAllText(At("cat", "._1.png"), "");
        Directory.CreateDirectory(At(".cache"));
        Assert.Equal(20, new ImageFolder(root, 8, new DataOptions()).Count);
    }

    [Fact]
    public void Images_default_to_64_pixels_and_the_normalization_of_ImageNet()
    {
        WriteTwoClasses();
        var train = DatasetCatalogue.Open("folder", new DataOptions { Data = root }).Train;
        Assert.Equal((64, 64), (train.Height, train.Width));
        Assert.Equal([0.485f, 0.456f, 0.406f], train.Normalization.Mean);
        Assert.Equal([0.229f, 0.224f, 0.225f], train.Normalization.StandardDeviation);
    }

    [Theory, InlineData("png"), InlineData("jpg"), InlineData("webp")]
    public void A_damaged_image_is_named_in_the_error_or_left_out_and_listed(string extension)
    {
        WriteTwoClasses();
        var damaged = PictureFiles.WriteNoise(At("cat", $"4b.{extension}"));
        PictureFiles.Cut(damaged, 0.6);
        Assert.Contains(damaged, Refused(), StringComparison.Ordinal);
        Assert.Contains("`SkipDamaged`", Refused(), StringComparison.Ordinal);
        var pair = Open(skipDamaged: true);
        Assert.Equal([damaged], ImageFiles.LeftOutOf(pair).Where(file => file.Reason == LeftOutReason.Damaged).Select(file => file.Path));
        Assert.Equal(20, pair.Train.Count + pair.Test.Count);
        var whole = new ImageFolder(root, 8, new DataOptions { SkipDamaged = true });
        Assert.Equal([new(damaged, LeftOutReason.Damaged)], whole.LeftOut.Select(file => file with { Detail = "" }));
        for (var i = 0; i < 20; i++)      // pixels still belong to their labels and files
            Assert.Equal((10 * (i % 10), 100 * (i / 10), i / 10, $"{i % 10}.png"),
                (whole.Read(i, [])[0], whole.Read(i, [])[64], whole.Label(i), Path.GetFileName(whole.FilePath(i))));
    }

    [Fact]
    public void The_error_counts_the_further_damaged_images()
    {
        WriteTwoClasses();
        foreach (var name in new[] { "1.png", "2.png", "3.png" })
            File.WriteAllText(At("dog", name), "broken");
        Assert.Contains(At("dog", "1.png"), Refused(), StringComparison.Ordinal);
        Assert.Contains("2 more", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_too_large_for_memory_has_its_headers_checked_at_open_and_its_pixels_when_read()
    {
        WriteTwoClasses();
        File.WriteAllText(At("cat", "a.png"), "no header");
        Assert.Contains(At("cat", "a.png"), Refused(limit: 0), StringComparison.Ordinal);
        Assert.Equal([At("cat", "a.png")], ImageFiles.LeftOutOf(Open(skipDamaged: true, limit: 0)).Where(file => file.Reason == LeftOutReason.Damaged).Select(file => file.Path));
        PictureFiles.Cut(PictureFiles.WriteNoise(At("cat", "a.png")), 0.6);
        var set = new ImageFolder(root, 8, new DataOptions(), 0);
        var error = Assert.Throws<InputException>(() => { set.Read(10, new byte[set.ImageBytes]); });
        Assert.Contains(At("cat", "a.png"), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_set_too_large_for_memory_leaves_out_images_damaged_after_the_header()
    {
        WriteTwoClasses();
        var damaged = PictureFiles.WriteNoise(At("cat", "a.png"));
        PictureFiles.Cut(damaged, 0.6);
        var set = new ImageFolder(root, 8, new DataOptions { SkipDamaged = true }, 0);
        Assert.False(set.InMemory);
        Assert.Equal([new(damaged, LeftOutReason.Damaged)], set.LeftOut.Select(file => file with { Detail = "" }));
        Assert.Equal(20, set.Count);
        for (var i = 0; i < set.Count; i++)
            Assert.Equal((10 * (i % 10), $"{i % 10}.png"), (set.Read(i, new byte[set.ImageBytes])[0], Path.GetFileName(set.FilePath(i))));
    }

    [Fact]
    public void A_class_with_only_damaged_images_is_rejected()
    {
        WriteTwoClasses();
        PictureFiles.WritePlain(At("eel", "1.png"), SKColors.Red);
        File.WriteAllText(At("eel", "1.png"), "broken");
        Assert.Contains(At("eel"), Refused(skipDamaged: true), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_folder_is_refused()
    {
        var unnamed = Assert.Throws<InputException>(() => ImageFolder.Open(new DataOptions()));
        Assert.Contains("`Data`", unnamed.Message, StringComparison.Ordinal);
        var error = Assert.Throws<InputException>(() => ImageFolder.Open(new DataOptions { Data = At("none") }));
        Assert.Contains($"{At("none")} does not exist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_folder_and_a_folder_of_loose_images_are_rejected()
    {
        Assert.Contains("no sub-folder", Refused(), StringComparison.Ordinal);
        PictureFiles.WritePlain(At("loose.png"), SKColors.Red);
        Assert.Contains("no sub-folder", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_class_is_refused()
    {
        PictureFiles.WritePlain(At("cat", "1.png"), SKColors.Red);
        Assert.Contains("only 'cat'", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_without_images_is_rejected_and_named()
    {
        WriteTwoClasses();
        Directory.CreateDirectory(At("eel"));
        Assert.Contains(At("eel"), Refused(), StringComparison.Ordinal);
    }

    [Theory, InlineData("train", "test"), InlineData("test", "train")]
    public void Train_and_test_folders_with_different_classes_are_rejected(string more, string fewer)
    {
        WriteTwoClasses(more);
        WriteTwoClasses(fewer);
        PictureFiles.WritePlain(At(more, "eel", "1.png"), SKColors.Red);
        Assert.Contains($"'eel' only in {At(more)}", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Too_few_images_for_a_test_set_are_rejected_with_their_count()
    {
        PictureFiles.WritePlain(At("cat", "1.png"), SKColors.Red);
        PictureFiles.WritePlain(At("dog", "1.png"), SKColors.Red);
        Assert.Contains("2 images of 2 classes", Refused(), StringComparison.Ordinal);
    }

    [Theory, InlineData(7), InlineData(1025), InlineData(-1)]
    public void A_size_outside_8_to_1024_is_refused(int size)
    {
        WriteTwoClasses();
        Assert.Contains($"Received: {size}", Refused(size: size), StringComparison.Ordinal);
    }
}
