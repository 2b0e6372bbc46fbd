using System.Text.RegularExpressions;
using Patchwork.Interop;
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
            // Photographs are too large for a test, and a package is there or not.
            .Where(command => !command.Contains("resnet50", StringComparison.Ordinal) && command.StartsWith("patchwork", StringComparison.Ordinal))
            .Where(command => ImageNetResNet18.Find() is not null || !command.Contains("imagenet", StringComparison.Ordinal)).ToArray();
        string[] verbs = ["data", "preview", "train", "predict", "data", "train", "data", "train", "compare", "explain", "explain"];
        Assert.Equal(verbs.Where((_, i) => i != 7 || ImageNetResNet18.Find() is not null), commands.Select(command => command.Split(' ')[1]));
        var picture = Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        File.WriteAllLines(files.At("labels.csv"), ["file,label", .. picture.Select(path => $"{path},{Path.GetFileName(Path.GetDirectoryName(path))}")]);
        foreach (var command in commands)
        {
            var line = command.Replace("check pictures", $"check {files.Pictures}", StringComparison.Ordinal)
                .Replace("pictures --", $"{files.Pictures} --", StringComparison.Ordinal)
                .Replace("preview.png", files.At("preview.png"), StringComparison.Ordinal)
                .Replace("seen.png", files.At("seen.png"), StringComparison.Ordinal)
                .Replace("runs/pictures", files.At("run"), StringComparison.Ordinal).Replace("runs/", files.At("run-"), StringComparison.Ordinal)
                .Replace("labels.csv", files.At("labels.csv"), StringComparison.Ordinal)
                .Replace("list-files pictures", $"list-files {files.Pictures}", StringComparison.Ordinal)
                .Replace("--out listed", $"--out {files.At("listed")}", StringComparison.Ordinal)
                    .Replace("new.jpg", Path.Combine(files.Pictures, "red", "003.png"), StringComparison.Ordinal)
                    .Replace("--class cat", "--class red", StringComparison.Ordinal)
                .Replace("--model resnet18", "--model resnet8", StringComparison.Ordinal)
                    .Replace("--epochs 30", "--epochs 1", StringComparison.Ordinal)
                .Replace("--epochs 20", "--epochs 1", StringComparison.Ordinal).Replace("--epochs 10", "--epochs 2", StringComparison.Ordinal)
                .Replace("--image-size 112", "--image-size 32", StringComparison.Ordinal)
                .Replace("--image-size 32 --epochs 1", "--image-size 16 --epochs 1", StringComparison.Ordinal)
                .Replace("--folds 5", "--folds 2", StringComparison.Ordinal)
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
