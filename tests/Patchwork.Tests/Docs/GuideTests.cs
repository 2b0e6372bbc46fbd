using System.Text.RegularExpressions;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>What the guide tells a reader to type works.</summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class GuideTests
{
    [Fact]
    public void My_own_pictures_are_previewed_trained_on_predicted_and_explained_as_the_guide_says()
    {
        using var files = new PictureSet();
        files.Paint();
        var page = File.ReadAllText(Repository.File("docs/guide/own-pictures.md"));
        var commands = Shell().Matches(page).SelectMany(block => block.Groups["code"].Value.Split('\n'))
            .Where(command => !command.Contains("resnet50", StringComparison.Ordinal)).ToArray();      // photographs: too large for a test
        Assert.Equal(["data", "preview", "train", "predict", "explain", "explain"], commands.Select(command => command.Split(' ')[1]));
        foreach (var command in commands)
        {
            var line = command.Replace("check pictures", $"check {files.Pictures}", StringComparison.Ordinal)
                .Replace("pictures --", $"{files.Pictures} --", StringComparison.Ordinal)
                .Replace("preview.png", files.At("preview.png"), StringComparison.Ordinal)
                .Replace("seen.png", files.At("seen.png"), StringComparison.Ordinal)
                .Replace("runs/pictures", files.At("run"), StringComparison.Ordinal)
                    .Replace("new.jpg", Path.Combine(files.Pictures, "red", "003.png"), StringComparison.Ordinal)
                    .Replace("--class cat", "--class red", StringComparison.Ordinal)
                .Replace("--model resnet18", "--model resnet8", StringComparison.Ordinal)
                    .Replace("--epochs 30", "--epochs 1", StringComparison.Ordinal)
                .Replace("--image-size 64", "--image-size 16", StringComparison.Ordinal);      // the same on a test's scale
            var result = CommandLine.Run([.. line.Split(' ').Skip(1), "--quiet"]);
            Assert.True(result.ExitCode == 0, $"{line}: {result.Error}");
        }
    }

    [Fact]
    public void The_smoke_recipe_trains()
    {
        using var files = new PictureSet();
        var result = CommandLine.Run("train", Repository.File("recipes/smoke.json"), "--threads", "1", "--quiet", "--out", files.At("run"));
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.True(File.Exists(files.At("run/result.json")));
    }

    [GeneratedRegex(@"```sh\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Shell();
}
