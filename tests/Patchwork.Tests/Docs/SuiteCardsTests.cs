using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>Every suite has a source, a test, a card and a line in the catalogue.</summary>
public sealed partial class SuiteCardsTests
{
    public static TheoryData<string> Ids => [.. Suites.All.Select(suite => suite.Id)];

    [Fact]
    public void Every_suite_has_a_source_a_test_a_card_and_a_line_in_the_catalogue()
    {
        var types = typeof(Suite).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Suite)) && !type.IsAbstract).ToArray();
        Assert.Equal(Suites.All.Count, types.Length);
        Assert.Equal([], types.SelectMany(type => MissingPlaces(type, Suites.All.FirstOrDefault(suite => suite.GetType() == type)?.Id)));
    }

    [Fact]
    public void Missing_files_and_lines_are_named() => Assert.Equal(
        [
            "UnknownSuite: src/Patchwork/Evaluation/**/UnknownSuite.cs is missing",
            "UnknownSuite: tests/Patchwork.Tests/Evaluation/**/UnknownSuiteTests.cs is missing",
            "UnknownSuite: src/Patchwork/Evaluation/Suites.cs has no line for it",
            "UnknownSuite: docs/suites/unknown.md is missing",
        ],
        [.. MissingPlaces(typeof(UnknownSuite), null), .. MissingPlaces(typeof(UnknownSuite), "unknown").TakeLast(1)]);

    private abstract record UnknownSuite : Suite;

    private static IEnumerable<string> MissingPlaces(Type type, string? id)
    {
        var source = Find("src/Patchwork/Evaluation", $"{type.Name}.cs");
        var test = Find("tests/Patchwork.Tests/Evaluation", $"{type.Name}Tests.cs");
        if (source is null)
            yield return $"{type.Name}: src/Patchwork/Evaluation/**/{type.Name}.cs is missing";
        if (test is null)
            yield return $"{type.Name}: tests/Patchwork.Tests/Evaluation/**/{type.Name}Tests.cs is missing";
        if (id is null)
        {
            yield return $"{type.Name}: src/Patchwork/Evaluation/Suites.cs has no line for it";
            yield break;
        }
        var card = $"docs/suites/{id}.md";
        if (!File.Exists(Repository.File(card)))
        {
            yield return $"{type.Name}: {card} is missing";
            yield break;
        }
        foreach (var link in ((string?[])[source, test]).OfType<string>()
            .Where(file => !Text(card).Contains($"../../{file}", StringComparison.Ordinal)))
            yield return $"{type.Name}: {card} does not link {link}";
    }

    private static string? Find(string folder, string name) =>
        Directory.GetFiles(Repository.File(folder), name, SearchOption.AllDirectories)
        .Select(path => Path.GetRelativePath(Repository.Root, path).Replace('\\', '/')).SingleOrDefault();

    private static string Text(string file) => File.ReadAllText(Repository.File(file));

    [Theory, MemberData(nameof(Ids))]
    public void A_card_lists_every_option_with_its_flag_and_default_and_every_headline_metric(string id)
    {
        var suite = Suites.All.Single(suite => suite.Id == id);
        var card = Text($"docs/suites/{id}.md");
        Assert.Equal(
            suite.Options.Select(option => $"{option.Property.Split('.')[1]} --{option.Name} {Default(suite, option)}"),
            OptionRow().Matches(card).Select(row =>
                $"{row.Groups["property"].Value} {row.Groups["flag"].Value} {row.Groups["default"].Value.Trim()}"));
        Assert.All(suite.Headlines, headline => Assert.Contains($"`{headline.Metric}`", card, StringComparison.Ordinal));
        Assert.Contains($"(../suites/{id}.md)", Text("docs/guide/evaluation.md"), StringComparison.Ordinal);
    }

    private static string Default(Suite suite, SuiteOption option) =>
        suite.GetType().GetProperty(option.Property.Split('.')[1])!.GetValue(suite) switch
        {
            null => "none",
            string text => text,
            IEnumerable list when !list.Cast<object>().Any() => "none",
            IEnumerable<double> numbers => string.Join(',', numbers.Select(number => number.ToString(CultureInfo.InvariantCulture))),
            var value => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };

    // | `Property` | `--flag` | default | …
    [GeneratedRegex(@"^\| `(?<property>\w+)` \| `(?<flag>--[\w-]+)` \| (?<default>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
