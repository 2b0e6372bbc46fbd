using System.Globalization;
using System.Text.RegularExpressions;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>The guide's statements about the suites and the paper's claims match the program and the result files.</summary>
public sealed partial class ClaimsTests
{
    [Fact]
    public void The_guide_names_every_suite_once_in_its_order() =>
        Assert.Equal(Suites.All.Select(suite => suite.Id),
            SuiteRow().Matches(File.ReadAllText(Repository.File("docs/guide/evaluation.md"))).Select(row => row.Groups["id"].Value));

    // Checks rows "| what | `suite.metric` | value of a method | … |" below a line that names the file and the order of the methods.
    [Fact]
    public void The_numbers_of_the_claims_are_those_of_the_result_files()
    {
        var checkedNumbers = 0;
        (string File, string[] Methods)? source = null;
        foreach (var line in File.ReadLines(Repository.File("docs/guide/claims.md")))
        {
            if (Source().Match(line) is { Success: true } named)
                source = (named.Groups["file"].Value, named.Groups["methods"].Value.Split(", "));
            if (MetricRow().Match(line) is not { Success: true } row)
                continue;
            var rows = File.ReadAllLines(Repository.File($"results/{source!.Value.File}")).Select(text => text.Split(','))
                .Where(cells => $"{cells[0]}.{cells[1]}" == row.Groups["metric"].Value).ToArray();
            string[] shown = [.. row.Groups["values"].Value.Trim(' ', '|').Split('|').Select(cell => cell.Trim().Trim('*'))];
            foreach (var (method, cell) in source.Value.Methods.Zip(shown))
            {
                var scale = row.Groups["unit"].Value == "%" ? 100 : 1;
                var stored = Statistic.Of(rows.Where(cells => cells[2] == method)
                    .Select(cells => scale * double.Parse(cells[4], CultureInfo.InvariantCulture)));
                Assert.Equal(stored.ToString(scale == 100 ? 1 : 2), cell);
                checkedNumbers++;
            }
        }
        Assert.True(checkedNumbers > 20, $"only {checkedNumbers} numbers were found");
    }

    [GeneratedRegex(@"^\| \[`(?<id>\w+)`\]\(", RegexOptions.Multiline)]
    private static partial Regex SuiteRow();

    [GeneratedRegex(@"\(\.\./\.\./results/(?<file>[\w.-]+\.csv)\).*columns: (?<methods>[^()]+)\.$")]
    private static partial Regex Source();

    [GeneratedRegex(@"^\| [^|]*?(?<unit>%)? \| `(?<metric>\w+\.\w+)` (?<values>\|.*)$")]
    private static partial Regex MetricRow();
}
