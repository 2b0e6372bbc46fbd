using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>The output of the verbs fits into a terminal of 100 columns, with complete headings.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class OutputWidthTests : IDisposable
{
    private const int Columns = 100;
    private readonly PictureSet files = new PictureSet().Paint(perClass: 6);

    public void Dispose() => files.Dispose();

    // Paths and sentences do not count: paths are as long as the user's folders, and the terminal wraps sentences.
    private string[] Printed(params string[] arguments)
    {
        var result = CommandLine.Run(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        string[] lines = [.. result.Output.Replace(files.Folder, "", StringComparison.Ordinal).Split('\n')];
        Assert.All(lines.Where(line => !line.EndsWith('.')), line => Assert.InRange(line.Length, 0, Columns));
        Assert.All(lines, line => Assert.DoesNotContain('…', line));
        return lines;
    }

    [Fact]
    public void The_catalogues_fit()
    {
        var all = Printed("methods");
        Assert.All(Methods.All, method =>
        {
            Assert.Contains(all, line => line.TrimStart().StartsWith($"{method.Id} ", StringComparison.Ordinal));
            Printed("methods", method.Id);
        });
        Printed("data", "list");
    }

    [Fact]
    public void The_measurements_of_all_suites_fit()
    {
        var run = files.At("shapes");
        Printed("train", "--method", "cutmix", "--dataset", "shapes", "--subset", "40", "--epochs", "1", "--batch-size", "20", "--threads",
            "1", "--out", run);
        var lines = Printed("evaluate", run, "--suite", "all", "--limit", "10", "--transfer-to", $"folder={files.Pictures}",
            "--transfer-epochs", "1");
        Assert.All(Suites.All, suite => Assert.Contains(lines, line => line.StartsWith($"{suite.Id}, ", StringComparison.Ordinal)));
        Assert.All(Headlines(Suites.All), headline =>
            Assert.Contains(lines, line => line.StartsWith($"  {headline.Title} ", StringComparison.Ordinal)));
        var picture = Directory.GetFiles(files.Pictures, "*.png", SearchOption.AllDirectories)[0];
        Printed("predict", run, picture);
        Printed("explain", run, picture, "--out", files.At("explained.png"));
    }

    // Titles may be wrapped, but only between words and after hyphens, and names only between options.
    [Fact]
    public void The_methods_of_the_default_comparison_side_by_side_fit()
    {
        static IEnumerable<string> Words(string line) => line.Replace("-", "- ", StringComparison.Ordinal).Split(' ');
        var words = Printed(["compare", "--methods", "baseline,cutout,mixup,cutmix,cutmix:probability=0.5", "--seeds", "2",
            "--evaluate", "clean,calibration", "--limit", "6", .. files.Flags("compare", epochs: 1)]).SelectMany(Words).ToHashSet();
        var shown = Headlines(Suites.Parse("clean,calibration")).SelectMany(headline => Words(headline.Title));
        Assert.Superset(((string[])["baseline", "cutout", "mixup", "cutmix", "cutmix:", "probability=0.5", .. shown]).ToHashSet(), words);
    }

    [Fact]
    public void Lines_that_name_written_files_fit()
    {
        Printed("preview", "--dataset", "shapes", "--method", "cutmix", "--count", "1", "--out", files.At("preview.png"));
        Printed("mix", files.Pictures, "--method", "cutmix", "--count", "2", "--out", files.At("mixed"));
    }

    // The files of the published corruptions are not available here.
    private static IEnumerable<Headline> Headlines(IEnumerable<Suite> suites) =>
        suites.SelectMany(suite => suite.Headlines).Where(headline =>
            headline.Metric != "published_mean_corruption_error" && !headline.OfSeveralLabels);
}
