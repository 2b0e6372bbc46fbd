using CsCheck;
using Patchwork.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class DataDigestTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static Dataset Open(string folder, int? size = 8) =>
        DatasetCatalogue.Open("folder", new DataOptions { Data = folder, ImageSize = size }).Train;

    [Fact]
    public void The_digest_does_not_depend_on_the_location_of_the_files()
    {
        files.Paint(perClass: 5);
        files.Copy("pictures", "elsewhere");
        Assert.Equal(DataDigest.Of(Open(files.Pictures)), DataDigest.Of(Open(files.At("elsewhere"))));
    }

    [Theory, InlineData("pixel"), InlineData("name"), InlineData("class"), InlineData("more"), InlineData("size")]
    public void Any_change_of_the_files_or_the_size_changes_the_digest(string change)
    {
        files.Paint(perClass: 5);
        var before = DataDigest.Of(Open(files.Pictures));
        var first = Directory.GetFiles(Path.Combine(files.Pictures, "blue")).Order().First();
        switch (change)
        {
            case "pixel":
                foreach (var path in Directory.GetFiles(Path.Combine(files.Pictures, "blue")))
                    PictureFiles.WritePlain(path, SKColors.Navy);
                break;
            case "name":
                File.Move(first, Path.Combine(files.Pictures, "blue", "000a.png"));
                break;
            case "class":
                Directory.Move(Path.Combine(files.Pictures, "blue"), Path.Combine(files.Pictures, "azure"));
                break;
            case "more":
                File.Copy(first, Path.Combine(files.Pictures, "blue", "zzz.png"));
                break;
        }
        Assert.NotEqual(before, DataDigest.Of(Open(files.Pictures, change == "size" ? 9 : 8)));
    }

    // In-memory sets without files: the digest depends on the labels and their order.
    [Fact]
    public void Digests_are_equal_exactly_when_labels_and_pixels_are_equal() =>
        Gen.Select(Gen.Int[0, 3].Array[1, 20], Gen.Int[0, 3].Array[1, 20]).Sample((a, b) =>
            (DataDigest.Of(new KnownDataset(a)) == DataDigest.Of(new KnownDataset(b))) == a.SequenceEqual(b));

    [Fact]
    public void Relabelling_matches_classes_by_name()
    {
        files.Paint(perClass: 5);
        var pair = DatasetCatalogue.Open("folder", new DataOptions { Data = files.Pictures, ImageSize = 8 });
        Assert.Same(pair, Relabelled.To(pair, ["blue", "green", "red"]));
        var turned = Relabelled.To(pair, ["red", "blue", "green"])!;
        for (var i = 0; i < pair.Train.Count; i++)
            Assert.Equal(pair.Train.ClassNames[pair.Train.Label(i)], turned.Train.ClassNames[turned.Train.Label(i)]);
        Assert.Null(Relabelled.To(pair, ["red", "blue", "violet"]));
        Assert.Null(Relabelled.To(pair, ["red", "blue"]));
    }
}
