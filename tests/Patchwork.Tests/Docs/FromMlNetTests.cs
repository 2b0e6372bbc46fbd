using System.Text.RegularExpressions;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>Runs the page "Coming from ML.NET": its program unchanged, its commands, and every flag in its table.</summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class FromMlNetTests : IDisposable
{
    private static readonly string Page = File.ReadAllText(Repository.File("docs/guide/from-ml-net.md"));
    private readonly PictureSet files = new PictureSet().Paint(perClass: 20);

    public void Dispose() => files.Dispose();

    private string Picture => Path.Combine(files.Pictures, "red", "003.png");

    [Fact]
    public void The_program_runs_unchanged()
    {
        Lane.NeedFull("trains the network of ImageNet");
        var source = File.ReadAllText(Repository.File("tests/Patchwork.Tests/Docs/FromMlNetTests.cs")).ReplaceLineEndings("\n");
        var code = Program().Match(source).Groups["code"].Value;
        Assert.Equal(Fence().Match(Page).Groups["code"].Value, code.Replace("\n        ", "\n", StringComparison.Ordinal).Trim());
        Assert.SkipWhen(ImageNetResNet18.Find() is null, $"The package {ImageNetResNet18.Package} is not here.");
        var (pictures, run, picture) = (files.Pictures, files.At("run"), Picture);
#pragma warning disable xUnit1051      // a user has no token of a test
        // <program>
        var recipe = new Recipe { Dataset = "folder", Data = pictures, Weights = "imagenet", ImageSize = 64, Freeze = true, Epochs = 10 };
        var result = TrainingRun.Start(recipe, run, [], notice => Console.WriteLine(notice));
        Console.WriteLine($"{result.Best.Top1Error:P1} of the test pictures are wrong");

        using var predictor = Predictor.Open(run);
        Console.WriteLine(predictor.Classify(picture).Best);
        // </program>
        Assert.InRange(result.Best.Top1Error, 0, 0.5);      // three colours
        Assert.Equal("red", predictor.Classify(picture).Best.Class);
#pragma warning restore xUnit1051
    }

    [Fact]
    public void The_commands_run()
    {
        Lane.NeedFull("trains the network of ImageNet");
        var commands = Shell().Matches(Page).SelectMany(block => block.Groups["code"].Value.Split('\n'))
            .Where(command => command.StartsWith("patchwork", StringComparison.Ordinal)).ToArray();
        Assert.Equal(["train", "evaluate", "predict"], commands.Select(command => command.Split(' ')[1]));
        Assert.SkipWhen(ImageNetResNet18.Find() is null, $"The package {ImageNetResNet18.Package} is not here.");
        foreach (var command in commands)
        {
            var line = command.Replace("--data pictures", $"--data {files.Pictures}", StringComparison.Ordinal)
                .Replace("runs/pictures", files.At("typed"), StringComparison.Ordinal).Replace("new.jpg", Picture, StringComparison.Ordinal)
                .Replace("--epochs 10", "--epochs 1", StringComparison.Ordinal);
            var result = CommandLine.Run([.. line.Split(' ').Skip(1), "--quiet"]);
            Assert.True(result.ExitCode == 0, $"{line}: {result.Error}");
        }
    }

    [Fact]
    public void Every_flag_of_the_page_exists()
    {
        var help = CommandLine.Run("train", "--help").Output + CommandLine.Run("compare", "--help").Output
            + CommandLine.Run("evaluate", "--help").Output;
        foreach (var flag in Flag().Matches(Page).Select(match => match.Value).Distinct())
            Assert.Matches($@"(^|\s){flag}\b", help);
    }

    [GeneratedRegex(@"// <program>\n(?<code>.*?)\n\s*// </program>", RegexOptions.Singleline)]
    private static partial Regex Program();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"```sh\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]+")]
    private static partial Regex Flag();
}
