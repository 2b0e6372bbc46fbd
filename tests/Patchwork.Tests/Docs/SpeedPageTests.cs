using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>The speed guide's tables of training steps state the numbers of their files.</summary>
public sealed partial class SpeedPageTests
{
    private static readonly string Page = File.ReadAllText(Repository.File("docs/guide/speed.md"));

    [Fact]
    public void Steps_against_PyTorch_are_those_of_the_files()
    {
        var rows = AgainstPyTorch().Matches(Page);
        Assert.True(rows.Count >= 3, $"only {rows.Count} rows name a file");
        foreach (Match row in rows)
        {
            using var file = JsonDocument.Parse(File.ReadAllText(Repository.File(row.Groups["file"].Value)));
            var steps = file.RootElement.GetProperty("details").GetProperty(row.Groups["precision"].Value);
            var measured = ((string[])["resnet8", "resnet20", "resnet18"]).Select(network =>
                steps.TryGetProperty(network, out var step) ? Number(step.GetProperty("pytorch_over_ours")) : "");
            Assert.Equal(measured, row.Groups["cells"].Value.Split('|', StringSplitOptions.TrimEntries));
        }
    }

    [Fact]
    public void The_gain_of_bfloat16_is_that_of_the_file()
    {
        using var file = JsonDocument.Parse(File.ReadAllText(Repository.File("benchmarks/results/intel-xeon-amx-2-cores/training.json")));
        var ratios = file.RootElement.GetProperty("ratios");
        string Ratio(string name) => Number(ratios.GetProperty($"{name}_float32_over_bfloat16"));
        Assert.Contains("| training step of ResNet-8, batch 64 | training step of ResNet-20, batch 64 | ResNet-8's answers for 100 images |\n"
            + $"|---|---|---|\n| {Ratio("step_resnet8")} | {Ratio("step_resnet20")} | {Ratio("evaluation_resnet8")} |\n", Page, StringComparison.Ordinal);
    }

    private static string Number(JsonElement ratio) => ratio.GetDouble().ToString("F2", CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^\| [^|]*, (?<precision>\w+) \(\[file\]\(\.\./\.\./(?<file>[\w./-]+against-pytorch\.json)\)\) \|(?<cells>.*)\|$",
        RegexOptions.Multiline)]
    private static partial Regex AgainstPyTorch();
}
