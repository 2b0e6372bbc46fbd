using System.Text;
using CsCheck;
using Patchwork.Data;
using Patchwork.Previews;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

/// <summary>Tests of image lists as users write them, and of the messages about rows that cannot be used.</summary>
public sealed class ImageListTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("patchwork-list-").FullName;

    public ImageListTests()
    {
        for (var i = 0; i < 12; i++)
            PictureFiles.WritePlain(At($"{i}.png"), new SKColor((byte)(20 * i), 0, 0));
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    private string At(string name) => Path.Combine(root, name);

    private string List(string text, string name = "labels.csv", Encoding? encoding = null)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text, encoding ?? new UTF8Encoding(false));
        return At(name);
    }

    private static DataOptions Options(string list) => new() { Data = list, ImageSize = 8 };

    private static DatasetPair Open(string list) => ImageList.Open(Options(list));

    private static string Refused(DataOptions options) => Assert.Throws<InputException>(() => ImageList.Open(options)).Message;

    private static string Refused(string list) => Refused(Options(list));

    private static string[] Labels(Dataset set) => [.. Enumerable.Range(0, set.Count).Select(i => set.ClassNames[set.Label(i)])];

    private const string Split = "0.png,cat,train\n1.png,dog,train\n2.png,cat,train\n3.png,cat,test\n4.png,dog,test\n5.png,dog,val\n";

    [Theory]
    [InlineData("path,label,split\n", ',')]
    [InlineData("Image,Class,Subset\n", ',')]
    [InlineData("filename\ttags\tset\n", '\t')]
    [InlineData("file;category;part\n", ';')]
    [InlineData("", ',')]
    [InlineData("", '\t')]
    public void Columns_are_found_by_common_names_or_by_position(string header, char delimiter)
    {
        var pair = Open(List(header + Split.Replace(',', delimiter)));
        Assert.Equal(["cat", "dog"], pair.Train.ClassNames);
        Assert.Equal(["cat", "dog", "cat"], Labels(pair.Train));
        Assert.Equal(["cat", "dog"], Labels(pair.Test));
        Assert.Equal(["dog"], Labels(pair.Validation!));
        Assert.Equal(At("1.png"), pair.Train.FilePath(1));
    }

    [Theory, InlineData("path=2,label=4,split=1"), InlineData("path=photo no,label=kind,split=which"), InlineData("path=2, label=kind, split=1")]
    public void Columns_can_be_given_by_number_and_by_name(string columns)
    {
        var list = List("which,photo no,note,kind\ntrain,0.png,\"a, \"\"b\"\"\",x\ntrain,1.png,,y\ntest,2.png,,x\ntest,3.png,,y\n");
        var pair = ImageList.Open(Options(list) with { Columns = columns });
        Assert.Equal(["x", "y"], Labels(pair.Train));
        Assert.Equal(2, pair.Test.Count);
    }

    [Theory, InlineData("path"), InlineData("path=9"), InlineData("colour=1"), InlineData("path=1,path=2"), InlineData("path=none")]
    public void Invalid_column_specifications_are_rejected(string columns) =>
        Assert.Contains("path", Refused(Options(List("path,label\n0.png,a\n1.png,b\n")) with { Columns = columns }), StringComparison.Ordinal);

    public static TheoryData<string> Encodings => new("utf-8", "utf-8 mark", "utf-16 little", "utf-16 big", "utf-16 little, no mark",
        "utf-16 big, no mark");

    [Theory, MemberData(nameof(Encodings))]
    public void Byte_order_marks_and_UTF_16_are_read(string name)
    {
        Encoding encoding = name switch
        {
            "utf-8" => new UTF8Encoding(false),
            "utf-8 mark" => new UTF8Encoding(true),
            _ => new UnicodeEncoding(name.Contains("big", StringComparison.Ordinal), !name.Contains("no mark", StringComparison.Ordinal)),
        };
        var list = List("path,label\r\n0.png,Grün\r\n1.png,Grün\r\n2.png,rot\r\n3.png,rot\r\n", "labels.csv", encoding);
        Assert.Equal(["Grün", "rot"], Open(list).Train.ClassNames);
    }

    [Fact]
    public void An_unsupported_encoding_is_rejected_with_its_line()
    {
        var list = List("path,label\n0.png,Grün\n", encoding: Encoding.Latin1);
        Assert.Contains("line 2", Refused(list), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> BadRows => new()
    {
        { "none.png,a", "there is no file none.png" },
        { "4.png,", "it has no label" },
        { "4.png", "it has 1 cells, not 2" },
        { "4.png,a,b", "it has 3 cells, not 2" },
        { ",a", "it names no file" },
        { "path,label", "it repeats the header" },
        { "0.png,b", "0.png has another label in labels.csv:2" },
    };

    [Theory, MemberData(nameof(BadRows))]
    public void A_bad_row_rejects_the_list_unless_damaged_entries_are_skipped(string row, string reason)
    {
        var list = List($"path,label\n0.png,a\n1.png,b\n2.png,a\n3.png,b\n5.png,a\n6.png,a\n{row}\n");
        var message = Refused(list);
        Assert.Contains("labels.csv:8: ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        var pair = ImageList.Open(Options(list) with { SkipDamaged = true });
        var contradicted = row.StartsWith("0.png", StringComparison.Ordinal);      // both rows of a contradiction are left out
        Assert.Equal(contradicted ? 5 : 6, pair.Train.Count + pair.Test.Count);
        Assert.Equal(contradicted ? 2 : 1, ImageFiles.LeftOutOf(pair).Count(file => file.Reason == LeftOutReason.BadRow));
    }

    [Theory, InlineData("0.png,cat,test", "is in two parts"), InlineData("7.png,cat,tset", "'tset' is not one of train")]
    public void An_unknown_part_and_an_image_in_two_parts_are_rejected(string row, string reason) =>
        Assert.Contains(reason, Refused(List("path,label,split\n" + Split + row + "\n")), StringComparison.Ordinal);

    [Fact]
    public void The_first_ten_bad_rows_are_named_and_all_are_counted()
    {
        var list = List("path,label\n" + string.Concat(Enumerable.Range(0, 1_234).Select(i => $"gone{i}.png,a\n")));
        var message = Refused(list);
        Assert.Contains("1,234 rows", message, StringComparison.Ordinal);
        Assert.Contains("gone9.png", message, StringComparison.Ordinal);
        Assert.DoesNotContain("gone10.png", message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_column_per_class_gives_one_label_or_several()
    {
        const string rows = "path,cat,dog\n0.png,1,0\n1.png,0,1\n2.png,yes,\n3.png,,TRUE\n";
        Assert.Equal(["cat", "dog"], Open(List(rows)).Train.ClassNames);
        var list = List(rows + "4.png,1,1\n5.png,0,0\n");
        var several = Open(list);
        Assert.True(several.Train.IsMultiLabel);
        Assert.Equal(6, several.Train.Count + several.Test.Count);
        var message = Refused(Options(list) with { MultiLabel = false });
        Assert.Contains("labels.csv:6: it has several labels, cat and dog", message, StringComparison.Ordinal);
        Assert.Contains("labels.csv:7: it has no label", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_first_row_that_names_a_file_is_not_a_header_whatever_its_class_is_called()
    {
        var pair = Open(List("0.png,photo\n1.png,file\n2.png,photo\n3.png,file\n"));
        Assert.Equal(4, pair.Train.Count + pair.Test.Count);
        Assert.Equal(["file", "photo"], pair.Train.ClassNames);
        var list = List("\n\npath,label\n0.png,a;b\n1.png,c|d\n2.png,a;b\n3.png,c|d\n4.png,\n");
        Assert.Equal(["a", "b", "c", "d"], Open(list).Train.ClassNames);
        var whole = ImageList.Open(Options(list) with { MultiLabel = false, SkipDamaged = true });
        Assert.Equal(["a;b", "c|d"], whole.Train.ClassNames);
        Assert.Equal(4, whole.Train.Count + whole.Test.Count);
    }

    [Fact]
    public void Bad_rows_of_all_kinds_are_reported_in_list_order()
    {
        var message = Refused(List("path,label\n0.png,a\n1.png,\ngone.png,b\n0.png,b\n2.png,b\n"));
        string[] places = ["labels.csv:2", "labels.csv:3", "labels.csv:4", "labels.csv:5"];
        var found = places.Select(place => message.IndexOf(place + ": ", StringComparison.Ordinal)).ToArray();
        Assert.All(found, at => Assert.True(at > 0));
        Assert.Equal(found.Order(), found);
    }

    [Fact]
    public void A_repeated_row_counts_once_and_is_noted()
    {
        var pair = Open(List("path,label\n0.png,a\n1.png,b\n0.png,a\n2.png,a\n3.png,b\n"));
        Assert.Equal(4, pair.Train.Count + pair.Test.Count);
        Assert.Contains(pair.Notes, note => note.Contains("1 row repeats another row", StringComparison.Ordinal));
    }

    [Fact]
    public void A_list_without_parts_uses_a_stratified_fifth_as_the_test_set()
    {
        var pair = Open(List("path,label\n" + string.Concat(Enumerable.Range(0, 10).Select(i => $"{i}.png,{(i % 2 == 0 ? "even" : "odd")}\n"))));
        Assert.Equal([1, 1], pair.Test.CountPerClass());
        Assert.Equal([4, 4], pair.Train.CountPerClass());
    }

    [Fact]
    public void A_folder_with_one_list_per_part_is_read()
    {
        List("path,label\n../0.png,a\n../1.png,b\n", "lists/train.csv");
        List("path\tlabel\n../2.png\ta\n../3.png\tb\n../4.png\tb\n", "lists/Test.tsv");
        var pair = Open(At("lists"));
        Assert.Equal((2, 3), (pair.Train.Count, pair.Test.Count));
        Assert.Contains("train.csv", Refused(root), StringComparison.Ordinal);
    }

    [Fact]
    public void Numeric_labels_index_a_file_of_class_names()
    {
        var list = List("path,label,split\n0.png,1,train\n1.png,0,train\n2.png,10,train\n3.png,2,test\n");
        var names = List("zero\none\ntwo\nthree\n4\n5\n6\n7\n8\n9\nten\n", "names.txt");
        Assert.Contains("training image of each class", Refused(Options(list) with { ClassNames = names }), StringComparison.Ordinal);
        var three = List("zero\none\ntwo\n", "three.txt");
        Assert.Contains("labels.csv:4: '10' is neither a name in", Refused(Options(list) with { ClassNames = three }), StringComparison.Ordinal);
        var plain = List("path,label,split\n0.png,10,train\n1.png,9,train\n2.png,10,test\n");
        Assert.Equal(["9", "10"], Open(plain).Train.ClassNames);      // sorted as numbers
    }

    [Fact]
    public void Paths_are_relative_to_the_given_folder_and_may_contain_backslashes()
    {
        PictureFiles.WritePlain(At("deep/x y/0.png"), SKColors.Red);
        PictureFiles.WritePlain(At("deep/x y/1.png"), SKColors.Blue);
        PictureFiles.WritePlain(At("deep/x y/2.png"), SKColors.Blue);
        var list = List("path,label,split\nx y\\0.png,a,train\nx y/1.png,b,train\nx y/0.png,a,train\nx y/2.png,a,test\n", "other/labels.csv");
        var message = Refused(list);
        Assert.Contains("there is no file x y\\0.png in", message, StringComparison.Ordinal);
        var pair = ImageList.Open(Options(list) with { Images = At("deep") });
        Assert.Equal((2, 1), (pair.Train.Count, pair.Test.Count));
    }

    [Fact]
    public void A_data_set_written_as_a_list_has_the_same_pixels_labels_and_order()
    {
        var clothing = DatasetCatalogue.Open("clothing", new DataOptions { ImageSize = 16 });
        ListedSet.Write(clothing, At("listed"), TestContext.Current.CancellationToken);
        var listed = new Recipe
        {
            Dataset = "list",
            Data = At($"listed/{ListedSet.ListName}"),
            ImageSize = 16,
            Normalization = clothing.Train.Normalization.ToString(),
        }.OpenData();
        foreach (var (own, other) in new[] { (clothing.Train, listed.Train), (clothing.Test, listed.Test) })
        {
            Assert.Equal(own.ClassNames, other.ClassNames);
            Assert.Equal(own.Count, other.Count);
            Assert.Equal(own.Normalization.Mean, other.Normalization.Mean);
            Assert.Equal(own.Normalization.StandardDeviation, other.Normalization.StandardDeviation);
            for (var i = 0; i < own.Count; i++)
            {
                Assert.Equal(own.Label(i), other.Label(i));
                Assert.True(own.Read(i, []).SequenceEqual(other.Read(i, [])), $"image {i}");
            }
        }
        // The images are written to one folder per class.
        var folder = ImageFolder.Open(new DataOptions { Data = At("listed/images"), ImageSize = 16 });
        Assert.Equal(clothing.Train.ClassNames, folder.Train.ClassNames);
        Assert.Equal(clothing.Train.CountPerClass(), folder.Train.CountPerClass());
        Assert.Equal(clothing.Test.CountPerClass(), folder.Test.CountPerClass());
    }

    [Fact]
    public void A_folder_written_as_a_list_refers_to_its_files_in_place()
    {
        foreach (var name in new[] { "a, b", "c" })
        {
            for (var i = 0; i < 5; i++)
                PictureFiles.WritePlain(At($"pictures/{name}/{i}.png"), new SKColor((byte)(20 * i), 0, 0));
        }
        var folder = ImageFolder.Open(new DataOptions { Data = At("pictures"), ImageSize = 8 });
        ListedSet.Write(folder, At("listed"), TestContext.Current.CancellationToken);
        var listed = Open(At($"listed/{ListedSet.ListName}"));
        Assert.Equal(["a, b", "c"], listed.Train.ClassNames);
        Assert.Equal(Enumerable.Range(0, folder.Train.Count).Select(folder.Train.FilePath),
            Enumerable.Range(0, listed.Train.Count).Select(listed.Train.FilePath));
        Assert.Equal(Enumerable.Range(0, folder.Test.Count).Select(folder.Test.FilePath),
            Enumerable.Range(0, listed.Test.Count).Select(listed.Test.FilePath));
    }

    [Fact]
    public void Any_text_is_read_or_rejected_with_a_complete_sentence() =>
        Gen.String[Gen.Char["\",;\t\n\r0.png| \u00e9\0"], 0, 60].Sample(text =>
        {
            var list = List(text, $"{Environment.CurrentManagedThreadId}.csv");
            try
            {
                return Open(list).Train.Count > 0;
            }
            catch (InputException error)
            {
                return error.Message.EndsWith('.');
            }
        }, iter: Lane.Count(2_000, 200));
}
