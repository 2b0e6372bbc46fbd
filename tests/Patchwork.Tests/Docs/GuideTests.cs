using System.Text.RegularExpressions;
using Patchwork.Interop;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>The commands of the guide work.</summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class GuideTests
{
    [Fact]
    public void The_commands_of_the_own_pictures_guide_run_in_order()
    {
        Lane.NeedFull("the whole story of the guide");
        Assert.SkipWhen(ImageNetResNet18.Find() is null, $"The package {ImageNetResNet18.Package} is not here.");
        using var files = new PictureSet();
        files.Paint(perClass: 20);
        var page = File.ReadAllText(Repository.File("docs/guide/own-pictures.md"));
        // The commands for ResNet-50 are too slow for a test.
        var commands = Shell().Matches(page).SelectMany(block => block.Groups["code"].Value.Split('\n'))
            .Where(command => command.StartsWith("patchwork", StringComparison.Ordinal) && !command.Contains("resnet50", StringComparison.Ordinal))
            .ToArray();
        Assert.Equal(["data", "data", "preview", "train", "evaluate", "explain", "predict", "predict", "compare",      // the walk-through
            "data", "train", "data", "compare", "explain"], commands.Select(command => command.Split(' ')[1]));
        var pictures = Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
        File.WriteAllLines(files.At("labels.csv"), ["file,label", .. pictures.Select(path => $"{path},{Path.GetFileName(Path.GetDirectoryName(path))}")]);
        (string Of, string Here)[] here =      // replacements that scale the commands down to a test
        [
            ("--out shop", $"--out {files.At("shop")}"), ("shop/images/test", Path.Combine(files.Pictures, "red")),
            ("shop/images", files.Pictures), ("preview.png", files.At("preview.png")), ("seen.png", files.At("seen.png")),
            ("answers.csv", files.At("answers.csv")), ("runs/", files.At("run-")), ("labels.csv", files.At("labels.csv")),
            ("list-files pictures", $"list-files {files.Pictures}"), ("--data pictures", $"--data {files.Pictures}"),
            ("--out listed", $"--out {files.At("listed")}"), ("new.jpg", Path.Combine(files.Pictures, "red", "003.png")),
            ("--class cat", "--class red"), ("--model resnet18", "--model resnet8"), ("--epochs 30", "--epochs 1"),
            ("--epochs 20", "--epochs 1"), ("--epochs 10", "--epochs 3 --seeds 1"), ("--epochs 5", "--epochs 1"),
            ("--image-size 112", "--image-size 32"), ("--image-size 64", "--image-size 16"), ("--folds 5", "--folds 2"),
        ];
        foreach (var command in commands)
        {
            var line = here.Aggregate(command, (line, change) => line.Replace(change.Of, change.Here, StringComparison.Ordinal));
            var result = CommandLine.Run([.. line.Split(' ').Skip(1), "--quiet"]);
            Assert.True(result.ExitCode == 0, $"{line}: {result.Error}");
        }
        Assert.True(Directory.Exists(files.At("shop/images/train/dress")));
    }

    [Fact]
    public void The_commands_of_the_first_run_guide_run_in_order()
    {
        Lane.NeedFull("seven commands, among them two that train");
        using var files = new PictureSet();
        var commands = Shell().Matches(File.ReadAllText(Repository.File("docs/guide/first-run.md")))
            .SelectMany(block => block.Groups["code"].Value.Split('\n')).ToArray();
        Assert.Equal(["preview", "train", "mix", "predict", "explain", "evaluate", "compare"], commands.Select(command => command.Split(' ')[1]));
        (string Of, string Here)[] here =      // replacements that scale the commands down to a test
        [
            ("recipes/default.json", Repository.File("recipes/default.json")), ("preview.png", files.At("preview.png")),
            ("runs/", files.At("run-")), ("photos", files.At("photos")), ("--out seen", $"--out {files.At("seen")}"), ("--epochs 10", "--epochs 1"),
            ("--limit 300", "--limit 30"), ("patchwork compare", $"patchwork compare --epochs 1 --seeds 1 --limit 20 --out {files.At("compared")}"),
        ];
        foreach (var command in commands)
        {
            var line = here.Aggregate(command, (line, change) => line.Replace(change.Of, change.Here, StringComparison.Ordinal));
            var result = CommandLine.Run([.. line.Split(' ').Skip(1), "--quiet"]);
            Assert.True(result.ExitCode == 0, $"{line}: {result.Error}");
        }
        Assert.Equal(5, Directory.GetFiles(files.At("seen"), "*.png").Length);
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
