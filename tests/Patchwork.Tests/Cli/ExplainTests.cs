using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

[Collection(ProcessesCollection.Name)]
public sealed class ExplainTests(ExplainTests.TrainedRun trained) : IClassFixture<ExplainTests.TrainedRun>
{
    private PictureSet Files => trained.Files;

    private string Run => Files.At("run");

    private string Picture => Path.Combine(Files.Pictures, "red", "003.png");

    [Fact]
    public void A_sheet_is_written_and_json_says_what_it_shows()
    {
        var path = Files.At("seen.png");
        var result = CommandLine.Run("explain", Run, Picture, "--json", "--out", path);
        Assert.True(result.ExitCode == 0, result.Error);
        var answer = result.Json();
        Assert.Equal(["image", "class", "probability", "layer", "precision", "box", "file"], answer.EnumerateObject()
            .Select(property => property.Name));
        var best = CommandLine.Run("predict", Run, Picture, "--top", "1", "--json").Json()[0].GetProperty("classes")[0];
        Assert.Equal(best.GetProperty("class").GetString(), answer.GetProperty("class").GetString());
        Assert.Equal(best.GetProperty("probability").GetDouble(), answer.GetProperty("probability").GetDouble(), 1e-6);
        Assert.Equal(path, answer.GetProperty("file").GetString());
        var (top, left, bottom, right) = (Side("top"), Side("left"), Side("bottom"), Side("right"));
        Assert.True(0 <= top && top < bottom && bottom <= 16 && 0 <= left && left < right && right <= 16, answer.ToString());
        using var sheet = SKBitmap.Decode(path);
        Assert.True(sheet.Width >= 4 * 160);      // original, heat map, overlay, box

        int Side(string name) => answer.GetProperty("box").GetProperty(name).GetInt32();
    }

    [Fact]
    public void Another_class_and_layer_can_be_chosen_and_the_sheet_is_named_after_the_picture()
    {
        var name = Path.GetFileName(Files.Folder);      // a unique name, because the current folder is not the test's own
        File.Copy(Picture, Files.At($"{name}.png"));
        try
        {
            var plain = CommandLine.Run("explain", Run, Files.At($"{name}.png"), "--class", "green", "--layer", "layer1");
            Assert.Equal((0, ""), (plain.ExitCode, plain.Error));
            Assert.Contains("green", plain.Output, StringComparison.Ordinal);
            var first = File.ReadAllBytes($"{name}.explained.png");
            // As in preview, a later sheet replaces an earlier one.
            var again = CommandLine.Run("explain", Run, Files.At($"{name}.png"), "--class", "blue", "--layer", "layer2", "--json").Json();
            Assert.Equal(("blue", "layer2"), (again.GetProperty("class").GetString(), again.GetProperty("layer").GetString()));
            Assert.NotEqual(first, File.ReadAllBytes($"{name}.explained.png"));
        }
        finally
        {
            File.Delete($"{name}.explained.png");
        }
    }

    [Fact]
    public void An_impossible_explanation_is_rejected_and_nothing_is_written()
    {
        var damaged = PictureFiles.WriteNoise(Files.At("damaged.png"));
        PictureFiles.Cut(damaged, 0.5);
        Refused("Did you mean 'layer2'?", Run, Picture, "--layer", "layr2");
        Refused("Name another layer.", Run, Picture, "--layer", "fc");
        Refused("Did you mean 'green'?", Run, Picture, "--class", "gren");
        Refused(damaged, Run, damaged);
        Refused(Files.At("none.png"), Run, Files.At("none.png"));
        Refused($"{Files.Folder}, which has none", Files.Folder, Picture);

        void Refused(string expected, params string[] arguments)
        {
            var path = Files.At("refused.png");
            Assert.Contains(expected, CommandLine.Run(["explain", .. arguments, "--out", path]).Refusal(), StringComparison.Ordinal);
            Assert.False(File.Exists(path));
        }
    }

    [Fact]
    public void The_picture_is_never_overwritten()
    {
        var before = File.ReadAllBytes(Picture);
        Assert.Contains("Choose another --out.", CommandLine.Run("explain", Run, Picture, "--out", Picture).Refusal(),
            StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Picture));
    }

    /// <summary>One run for all tests of the class.</summary>
    public sealed class TrainedRun : IDisposable
    {
        public TrainedRun()
        {
            Files.Paint(perClass: 10);
            var result = CommandLine.Run(["train", .. Files.Flags("run"), "--quiet"]);
            Assert.True(result.ExitCode == 0, result.Error);
        }

        internal PictureSet Files { get; } = new();

        public void Dispose() => Files.Dispose();
    }
}
