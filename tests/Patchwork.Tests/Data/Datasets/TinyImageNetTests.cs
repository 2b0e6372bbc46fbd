using System.Text;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class TinyImageNetTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-tiny-").FullName;

    public static TheoryData<long> Limits => [long.MaxValue, 0];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string At(params string[] names) => Path.Combine([folder, .. names]);

    private DatasetPair Open(bool skipDamaged = false, long limit = long.MaxValue) =>
        TinyImageNet.Open(folder, new DataOptions { SkipDamaged = skipDamaged }, limit);

    private string Refused() => Assert.Throws<InputException>(() => Open()).Message;

    // Writes three classes in unsorted order, each with two training images and one test image. The red of an image identifies its class,
    // the green its number.
    private void WriteSet()
    {
        string[] wnids = ["n03", "n01", "n02"];
        File.WriteAllLines(At("wnids.txt"), wnids);
        File.WriteAllLines(At("words.txt"), ["n01\tcrane", "n02\ttabby, tabby cat", "n03\tcrane, lifting device", "n99\tdog"]);
        foreach (var wnid in wnids)
        {
            for (var i = 0; i < 2; i++)
                PictureFiles.WritePlain(At("train", wnid, "images", $"{wnid}_{i}.JPEG"),
                    new SKColor((byte)(50 * (wnid[2] - '0')), (byte)(100 * i), 0), 64, 64);
            File.WriteAllText(At("train", wnid, $"{wnid}_boxes.txt"), $"{wnid}_0.JPEG\t1\t2\t3\t63\n{wnid}_1.JPEG\t5\t5\t5\t5\n");
        }
        for (var i = 0; i < 3; i++)
            PictureFiles.WritePlain(At("val", "images", $"val_{i}.JPEG"), new SKColor((byte)(50 * (wnids[i][2] - '0')), 0, 0), 64, 64);
        File.WriteAllLines(At("val", "val_annotations.txt"), [.. wnids.Select((wnid, i) => $"val_{i}.JPEG\t{wnid}\t0\t{i}\t62\t63")]);
    }

    [Theory, MemberData(nameof(Limits))]
    public void Every_image_has_its_own_label_name_and_box(long limit)
    {
        WriteSet();
        var pair = Open(limit: limit);
        Assert.Equal(("tinyimagenet", 6, 3), (pair.Id, pair.Train.Count, pair.Test.Count));
        Assert.Equal(["crane (n01)", "tabby", "crane (n03)"], pair.Train.ClassNames);
        Assert.Equal([0, 0, 1, 1, 2, 2], Enumerable.Range(0, 6).Select(pair.Train.Label));
        Assert.Equal([2, 0, 1], Enumerable.Range(0, 3).Select(pair.Test.Label));
        Assert.Equal((3, 64, 64, limit > 0), (pair.Train.Channels, pair.Train.Height, pair.Train.Width, pair.Train.InMemory));
        var scratch = new byte[pair.Train.ImageBytes];
        foreach (var set in new[] { pair.Train, pair.Test })
            for (var i = 0; i < set.Count; i++)
                Assert.Equal(50 * (set.Label(i) + 1), set.Read(i, scratch)[0], 2.0);
        // The files store inclusive corners, columns before rows. Boxes are half-open, rows before columns.
        Assert.Equal([new Box(2, 1, 64, 4), new Box(5, 5, 6, 6)], Enumerable.Range(2, 2).Select(i => pair.Train.ObjectBox(i)!.Value));
        Assert.Equal(new Box(1, 0, 64, 63), pair.Test.ObjectBox(1));
    }

    // Boxes of the files: rows 2 to 64, columns 1 to 4; row and column 5; rows 1 to 64, columns 0 to 63.
    [Theory]
    [InlineData(128, 1, "4,2,128,8", "10,10,12,12", "2,0,128,126")]
    [InlineData(32, 1, "1,0,32,2", "2,2,3,3", "0,0,32,32")]
    [InlineData(64, 0.5, null, null, "0,0,64,64")]      // the middle half, enlarged
    [InlineData(64, 0.96875, "1,0,64,3", "4,4,5,5", "0,0,64,64")]
    public void Boxes_follow_the_pictures_when_they_are_resized_and_cropped(int size, double crop, params string?[] expected)
    {
        WriteSet();
        var pair = TinyImageNet.Open(folder, new DataOptions { ImageSize = size, CenterCrop = crop });
        Assert.Equal((size, size), (pair.Train.Height, pair.Test.Width));
        Assert.Equal(expected, new[] { pair.Train.ObjectBox(2), pair.Train.ObjectBox(3), pair.Test.ObjectBox(1) }
            .Select(box => box is { } known ? $"{known.Top},{known.Left},{known.Bottom},{known.Right}" : null));
    }

    // The suites open it for a network of another size: as an out-of-distribution set and as the target of transfer.
    [Fact]
    public void Beside_another_set_its_pictures_have_the_size_of_that_networks_input()
    {
        WriteSet();
        var beside = TinyImageNet.Open(folder, new DataOptions { ImageSize = 32 }).Test;
        var named = NamedSet.Parse($"tinyimagenet={folder}");
        Assert.All([named.OpenImages(beside.Height, beside), named.Open(beside.Height, beside).Train],
            set => Assert.Equal((32, 32), (set.Height, set.Width)));
        var scratch = new byte[beside.ImageBytes];
        Assert.Equal(50 * (beside.Label(0) + 1), named.OpenImages(beside.Height, beside).Read(0, scratch)[0], 2.0);
    }

    [Fact]
    public void Names_and_training_boxes_may_be_missing()
    {
        WriteSet();
        File.Delete(At("words.txt"));
        File.Delete(At("train", "n01", "n01_boxes.txt"));
        var train = Open().Train;
        Assert.Equal(["n01", "n02", "n03"], train.ClassNames);
        Assert.Null(train.ObjectBox(0));
        Assert.NotNull(train.ObjectBox(2));
    }

    [Fact]
    public void A_damaged_image_is_refused_or_left_out_and_boxes_stay_with_their_images()
    {
        WriteSet();
        var damaged = At("train", "n01", "images", "n01_0.JPEG");
        PictureFiles.Cut(damaged, 0.5);
        Assert.Contains(damaged, Refused(), StringComparison.Ordinal);
        var pair = Open(skipDamaged: true);
        Assert.Equal([damaged], ImageFiles.LeftOutOf(pair).Where(file => file.Reason == LeftOutReason.Damaged).Select(file => file.Path));
        Assert.Equal((5, new Box(5, 5, 6, 6), new Box(2, 1, 64, 4)),
            (pair.Train.Count, pair.Train.ObjectBox(0)!.Value, pair.Train.ObjectBox(1)!.Value));
    }

    [Fact]
    public void The_set_is_found_in_its_own_folder_and_below_the_parent()
    {
        WriteSet();
        File.Delete(At("wnids.txt"));
        var own = Directory.CreateDirectory(At("tiny-imagenet-200")).FullName;
        foreach (var given in new[] { folder, own })
            Assert.Contains(Path.Combine(own, "wnids.txt"), Assert.Throws<InputException>(
                () => DatasetCatalogue.Open("tinyimagenet", new DataOptions { Data = given })).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wnids.txt"), InlineData("val/val_annotations.txt"), InlineData("train/n02/images"), InlineData("val/images/val_1.JPEG")]
    public void The_error_names_the_missing_file_or_folder(string name)
    {
        WriteSet();
        if (Directory.Exists(At(name)))
            Directory.Delete(At(name), recursive: true);
        else
            File.Delete(At(name));
        Assert.Contains(At(name), Refused(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wnids.txt", "n01", "1 lines of 1 classes")]
    [InlineData("wnids.txt", "n01\nn02\nn01", "3 lines of 2 classes")]
    [InlineData("wnids.txt", "n01\nn02", "Received: 'n03' for val_0.JPEG")]
    [InlineData("val/val_annotations.txt", "", "Received: none")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn01\t0\t0\t1\t1\nval_0.JPEG\tn02\t0\t0\t1\t1", "val_0.JPEG twice")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn01\t0\t0\t1\t1\nval_1.JPEG", "6 tab-separated values")]
    [InlineData("val/val_annotations.txt", "../../x.JPEG\tn01\t0\t0\t1\t1", "in line 1")]
    [InlineData("val/val_annotations.txt", "val_0\0.JPEG\tn01\t0\t0\t1\t1", "in line 1")]
    [InlineData("val/val_annotations.txt", "val_0.JPEG\tn01\t0\t0\t64\t1", "'0 0 64 1' for val_0.JPEG")]
    [InlineData("train/n01/n01_boxes.txt", "n01_0.JPEG\t5\t0\t4\t1", "'5 0 4 1' for n01_0.JPEG")]
    [InlineData("train/n01/n01_boxes.txt", "n01_0.JPEG\t0\t-1\t4\t1", "'0 -1 4 1' for n01_0.JPEG")]
    [InlineData("train/n01/n01_boxes.txt", "n01_0.JPEG 0 0 1 1", "5 tab-separated values")]
    public void An_invalid_list_is_rejected_with_its_file(string name, string content, string expected)
    {
        WriteSet();
        File.WriteAllText(At(name), content);
        var message = Refused();
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(name.EndsWith("wnids.txt", StringComparison.Ordinal) ? "wnids.txt" : At(name), message, StringComparison.Ordinal);
    }

    [Theory, InlineData("wnids.txt"), InlineData("words.txt"), InlineData("val/val_annotations.txt"), InlineData("train/n01/n01_boxes.txt")]
    public void A_damaged_list_is_read_or_refused(string name)
    {
        var inputs = Lane.Count(full: 1_000, shortened: 100);      // each opens nine images
        WriteSet();
        byte[][] words =
            [.. ((string[])["\0", "\t", "\n", "\uffff", "..", "-1", "99999999999", "n02", "val_2.JPEG"]).Select(Encoding.UTF8.GetBytes)];
        var refused = Mutation.Refused<InputException>("damaged " + name, inputs, [File.ReadAllBytes(At(name))], words, 1 << 20, input =>
        {
            File.WriteAllBytes(At(name), input);
            var pair = Open(limit: 0);
            Assert.All(Enumerable.Range(0, pair.Test.Count), i => Assert.InRange(pair.Test.Label(i), 0, pair.Test.ClassNames.Count - 1));
        });
        Assert.InRange(refused, 0, inputs - 1);
    }

    [Fact]
    public void The_twenty_classes_match_the_published_set()
    {
        var data = Environment.GetEnvironmentVariable("PATCHWORK_DATA");
        Assert.SkipWhen(string.IsNullOrEmpty(data), "PATCHWORK_DATA does not name a folder with the published files.");
        Assert.SkipUnless(Directory.Exists(Path.Combine(data, "tiny-imagenet-20")), "The set of twenty classes is not there.");
        var pair = TinyImageNet.Open(Path.Combine(data, "tiny-imagenet-20"), new DataOptions());
        Assert.Equal((10_000, 1_000), (pair.Train.Count, pair.Test.Count));
        Assert.Equal(("tabby", "Persian cat", "coral reef"),
            (pair.Train.ClassNames[0], pair.Train.ClassNames[1], pair.Train.ClassNames[19]));
        Assert.All(Enumerable.Range(0, 10_000).CountBy(pair.Train.Label), pair => Assert.Equal(500, pair.Value));
        Assert.All(Enumerable.Range(0, 1_000).CountBy(pair.Test.Label), pair => Assert.Equal(50, pair.Value));
        Assert.Equal(new Box(15, 0, 45, 40), pair.Train.ObjectBox(0));
        Assert.Equal((12, new Box(32, 0, 63, 45)), (pair.Test.Label(0), pair.Test.ObjectBox(0)!.Value));
        Assert.DoesNotContain(Enumerable.Range(0, 10_000), i => pair.Train.ObjectBox(i) is null);
    }
}
