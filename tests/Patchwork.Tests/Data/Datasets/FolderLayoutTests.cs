using System.Text;
using Patchwork.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

/// <summary>Tests of how a folder is divided into parts, and that no file is left out without being listed.</summary>
public sealed class FolderLayoutTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("patchwork-layout-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    private string At(params string[] names) => Path.Combine([root, .. names]);

    private DatasetPair Open(bool skipDamaged = false) =>
        ImageFolder.Open(new DataOptions { Data = root, ImageSize = 8, SkipDamaged = skipDamaged });

    private string Refused() => Assert.Throws<InputException>(() => Open()).Message;

    private void Write(string part, int perClass, params string[] classes)
    {
        foreach (var name in classes)
        {
            for (var i = 0; i < perClass; i++)
                PictureFiles.WritePlain(At(part, name, $"{i}.png"), new SKColor((byte)(20 * i), 0, 0));
        }
    }

    [Theory, InlineData("train", "val", "test"), InlineData("Train", "Valid", "TEST"), InlineData("training", "validation", "testing"),
        InlineData("train", "VALIDATION", "Test")]
    public void Train_validation_and_test_folders_are_recognized_in_any_case(string train, string validation, string test)
    {
        Write(train, 5, "a", "b");
        Write(validation, 3, "a", "b");
        Write(test, 2, "a", "b");
        var pair = Open();
        Assert.Equal((10, 6, 4), (pair.Train.Count, pair.Validation!.Count, pair.Test.Count));
        Assert.Empty(pair.Notes);
    }

    [Theory, InlineData("val"), InlineData("valid"), InlineData("validation")]
    public void A_validation_part_without_a_test_part_becomes_the_test_set_with_a_note(string validation)
    {
        Write("train", 5, "a", "b");
        Write(validation, 3, "a", "b");
        var pair = Open();
        Assert.Equal((10, 6), (pair.Train.Count, pair.Test.Count));
        Assert.Null(pair.Validation);
        Assert.Contains($"{validation}/ is the test set", Assert.Single(pair.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void An_unlabelled_test_part_is_skipped_with_a_note_when_the_validation_part_is_labelled()
    {
        Write("train", 5, "a", "b");
        Write("val", 3, "a", "b");
        PictureFiles.WritePlain(At("test", "1.png"), SKColors.Red);
        var pair = Open();
        Assert.Equal(6, pair.Test.Count);
        Assert.Contains(pair.Notes, note => note.StartsWith("test/ has no class folders", StringComparison.Ordinal));
    }

    [Fact]
    public void Unused_folders_and_images_beside_the_parts_are_noted()
    {
        Write("train", 5, "a", "b");
        Write("test", 3, "a", "b");
        Write("unlabelled", 3, "c");
        PictureFiles.WritePlain(At("cover.png"), SKColors.Red);
        Assert.Equal(["unlabelled/ is next to the parts and is not used", "1 image next to train/ is not used"], Open().Notes);
    }

    [Fact]
    public void A_training_part_alone_is_split_into_four_fifths_and_a_fifth()
    {
        Write("train", 10, "a", "b");
        var pair = Open();
        Assert.Equal((16, 4), (pair.Train.Count, pair.Test.Count));
        Assert.Contains("a fifth", Assert.Single(pair.AllNotes), StringComparison.Ordinal);
    }

    [Fact]
    public void Train_and_test_folders_without_classes_are_not_treated_as_classes()
    {
        PictureFiles.WritePlain(At("train", "1.png"), SKColors.Red);
        PictureFiles.WritePlain(At("test", "1.png"), SKColors.Red);
        Assert.Contains("pictures without a class", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_class_may_be_called_train()
    {
        foreach (var name in (string[])["train", "bus", "car"])
        {
            for (var i = 0; i < 5; i++)
                PictureFiles.WritePlain(At(name, $"{i}.png"), SKColors.Red);
        }
        Assert.Equal(["bus", "car", "train"], Open().Train.ClassNames);
    }

    [Fact]
    public void A_test_part_without_a_training_part_and_two_parts_of_one_kind_are_refused()
    {
        Write("test", 3, "a", "b");
        Assert.Contains("train folder", Refused(), StringComparison.Ordinal);
        Write("train", 3, "a", "b");
        Write("val", 3, "a", "b");
        Write("valid", 3, "a", "b");
        Assert.Contains("val and valid", Refused(), StringComparison.Ordinal);
    }

    [Fact]
    public void Composed_and_decomposed_class_names_are_one_class()
    {
        var (composed, decomposed) = ("caf\u00e9", "cafe\u0301");
        Write("train", 5, composed, "bar");
        Write("test", 2, decomposed, "bar");
        PictureFiles.WritePlain(At("train", decomposed, "more.png"), SKColors.Red);
        var pair = Open();
        Assert.Equal(["bar", composed], pair.Train.ClassNames);
        Assert.True(pair.Train.ClassNames[1].IsNormalized(NormalizationForm.FormC));
        Assert.Equal((11, 4), (pair.Train.Count, pair.Test.Count));
    }

    [Theory, InlineData("p.jfif"), InlineData("p.jpe"), InlineData("p.JPG"), InlineData("p"), InlineData("p.dat")]
    public void Decodable_files_are_read_whatever_their_extension(string name)
    {
        Write("train", 5, "a", "b");
        Write("test", 2, "a", "b");
        File.Move(PictureFiles.WritePlain(At("train", "a", "picture.jpg"), SKColors.Red), At("train", "a", name));
        var pair = Open();
        Assert.Equal(11, pair.Train.Count);
        Assert.Empty(ImageFiles.LeftOutOf(pair));
    }

    [Fact]
    public void Every_file_left_out_is_listed_with_its_reason()
    {
        Write("train", 5, "a", "b");
        Write("test", 2, "a", "b");
        byte[] heic = [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0, .. "mif1heic"u8, .. new byte[40]];
        byte[] avif = [0, 0, 0, 24, .. "ftypavif"u8, 0, 0, 0, 0, .. "mif1miaf"u8, .. new byte[40]];
        byte[] film = [0, 0, 0, 20, .. "ftypisom"u8, 0, 0, 2, 0, .. "mp41"u8, .. new byte[40]];
        File.WriteAllBytes(At("train", "a", "phone.heic"), heic);
        File.WriteAllBytes(At("train", "a", "phone.jpg"), heic);      // phones send HEIC files under such names
        File.WriteAllBytes(At("train", "a", "web.avif"), avif);
        File.WriteAllBytes(At("train", "a", "film.mp4"), film);
        File.WriteAllBytes(At("train", "a", "scan.tif"), [.. "II*\0"u8, .. new byte[40]]);
        File.WriteAllText(At("train", "a", "BMnotes"), "BM begins a bitmap, and this text.");
        File.WriteAllText(At("train", "a", ".DS_Store"), "x");
        PictureFiles.WritePlain(At("train", "b", "inner", "deep.png"), SKColors.Red);
        PictureFiles.WritePlain(At("train", "loose.png"), SKColors.Red);
        File.WriteAllBytes(At("test", "a", "empty.png"), []);
        var left = ImageFiles.LeftOutOf(Open(skipDamaged: true)).ToDictionary(file => Path.GetFileName(file.Path), file => file.Reason);
        Assert.Equal(new Dictionary<string, LeftOutReason>
        {
            ["phone.heic"] = LeftOutReason.FormatNotRead,
            ["phone.jpg"] = LeftOutReason.FormatNotRead,
            ["web.avif"] = LeftOutReason.FormatNotRead,
            ["scan.tif"] = LeftOutReason.FormatNotRead,
            ["film.mp4"] = LeftOutReason.NotAPicture,
            ["BMnotes"] = LeftOutReason.NotAPicture,
            [".DS_Store"] = LeftOutReason.Hidden,
            ["deep.png"] = LeftOutReason.InSubFolder,
            ["loose.png"] = LeftOutReason.WithoutClass,
            ["empty.png"] = LeftOutReason.Damaged,
        }.OrderBy(pair => pair.Key), left.OrderBy(pair => pair.Key));
        // Without `SkipDamaged`, a file in an unsupported format with a supported extension is rejected, and the message does not call it
        // damaged.
        File.Delete(At("test", "a", "empty.png"));
        var refusal = Refused();
        Assert.Contains("HEIC, a format that is not supported", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("damaged:", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cyclic_link_is_not_followed_and_a_dead_link_counts_as_damaged()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege.");
        Write("train", 5, "a", "b");
        Write("test", 2, "a", "b");
        Directory.CreateSymbolicLink(At("train", "a", "up"), At("train"));
        File.CreateSymbolicLink(At("train", "a", "dead.png"), At("nowhere.png"));
        Assert.Contains("dead.png", Refused(), StringComparison.Ordinal);
        Assert.Equal([new(At("train", "a", "dead.png"), LeftOutReason.Damaged)],
            ImageFiles.LeftOutOf(Open(skipDamaged: true)).Select(file => file with { Detail = "" }));
        // A class folder may be a link to a folder elsewhere.
        Directory.Move(At("train", "b"), At("elsewhere"));
        Directory.CreateSymbolicLink(At("train", "b"), At("elsewhere"));
        Assert.Equal(["a", "b"], Open(skipDamaged: true).Train.ClassNames);
    }

    [Fact]
    public void The_data_check_finds_duplicates_and_rotated_images()
    {
        Write("train", 12, "a", "b");
        Write("test", 2, "a", "b");
        for (var i = 0; i < 12; i++)
            PictureFiles.WritePlain(At("train", "b", $"{i}.png"), new SKColor(0, (byte)(20 * i), 1));
        PictureFiles.WritePlain(At("test", "b", "0.png"), SKColors.Pink);
        PictureFiles.WritePlain(At("test", "b", "1.png"), SKColors.Plum);
        File.Copy(At("train", "a", "3.png"), At("train", "b", "other-class.png"));
        File.Copy(At("train", "b", "5.png"), At("train", "b", "again.png"));
        PictureFiles.InsertOrientation(PictureFiles.WritePlain(At("train", "a", "turned.jpg"), SKColors.Gold, height: 4, width: 9), 6);
        var check = DataCheck.Of("folder", new DataOptions { Data = root, ImageSize = 8 });
        Assert.Equal([("training", 27), ("test", 4)], check.Parts.Select(part => (part.Name, part.Images)));
        Assert.Equal(1, check.Turned);
        Assert.Equal((new PictureSize(9, 4), new PictureSize(16, 16)), (check.Smallest, check.Largest));
        Assert.Equal(["0.png", "1.png"], check.AcrossParts.Select(image => Path.GetFileName(image.Places[0].Name)).Order());
        Assert.Equal("3.png", Path.GetFileName(Assert.Single(check.AcrossClasses).Places[0].Name));
        Assert.Equal(1, check.Repeated);
        Assert.Empty(check.Scarce);
        Assert.True(check.HasFaults);
    }

    [Fact]
    public void The_data_check_finds_no_fault_in_the_embedded_photographs()
    {
        var check = DataCheck.Of("clothing", new DataOptions());
        Assert.False(check.HasFaults);
        Assert.Equal([2781, 1000], check.Parts.Select(part => part.Images));
    }
}
