using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>What README, guide and cards say is true of the code.</summary>
public sealed partial class DocsTests
{
    private static readonly string Readme = File.ReadAllText(Repository.File("README.md"));

    public static TheoryData<string> Pages => [.. Directory.GetFiles(Repository.File("docs"), "*.md", SearchOption.AllDirectories)
        .Concat(["README.md", "CONTRIBUTING.md"]).Select(path => Path.GetRelativePath(Repository.Root, Repository.File(path)))];

    [Fact]
    public void The_code_of_the_README_is_the_sample_that_runs_as_a_test()
    {
        var sample = Region().Match(File.ReadAllText(Repository.File("samples/01-your-own-loop/YourOwnLoop.cs"))).Groups["code"].Value;
        var shown = Fence().Match(Readme).Groups["code"].Value;
        Assert.Equal(Unindented(sample), Unindented(shown));
    }

    [Theory, MemberData(nameof(Pages))]
    public void Links_lead_somewhere(string page)
    {
        var file = Repository.File(page);
        var text = File.ReadAllText(file);
        foreach (var target in Link().Matches(text).Select(match => match.Groups["target"].Value).Where(target => !target.StartsWith("http", StringComparison.Ordinal)))
        {
            var (path, anchor) = target.Split('#') is [var before, var after] ? (before, after) : (target, "");
            var there = path.Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, path));
            Assert.True(Path.Exists(there), $"{page} links to {target}");
            if (anchor.Length > 0)
                Assert.Contains(anchor, Headings(File.ReadAllText(there)));
        }
    }

    [Theory, MemberData(nameof(Pages))]
    public void Flags_and_verbs_exist(string page)
    {
        var help = string.Join("\n", new[] { "compare", "train", "preview", "mix", "plan", "methods", "predict", "bench" }.Select(verb => Help(verb)));
        var text = File.ReadAllText(Repository.File(page));
        foreach (var flag in Flag().Matches(text).Select(match => match.Value).Except(["--project", "--verify-no-changes"]))
            Assert.True(Regex.IsMatch(help, $@"(^|\s){flag}\b"), $"{page} names {flag}");
        if (page == "README.md")
        {
            var verbs = VerbRow().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
            Assert.Equal(Command().Matches(Help("")).Select(match => match.Groups[1].Value).Order(), verbs.Order());
        }
    }

    [Fact]
    public void Every_method_has_a_card_a_source_and_a_test()
    {
        foreach (var method in Methods.All)
        {
            var card = Repository.File($"docs/methods/{method.Id}.md");
            Assert.True(File.Exists(card), $"docs/methods/{method.Id}.md is missing");
            var name = method.Create().GetType().Name;
            Assert.Contains($"{name}.cs", File.ReadAllText(card), StringComparison.Ordinal);
            Assert.Contains($"{name}Tests.cs", File.ReadAllText(card), StringComparison.Ordinal);
            Assert.Contains($"docs/methods/{method.Id}.md", Readme, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_card_of_CutMix_names_every_option()
    {
        var options = Row().Matches(File.ReadAllText(Repository.File("docs/methods/cutmix.md"))).Select(match => match.Groups["key"].Value);
        var properties = typeof(CutMix).GetProperties().Where(property => property.SetMethod is { IsPublic: true }).Select(property => property.Name);
        Assert.Superset(properties.ToHashSet(), options.ToHashSet());
    }

    [Fact]
    public void The_table_of_recipe_keys_is_whole_and_its_defaults_are_true()
    {
        using var defaults = JsonDocument.Parse(new Recipe().ToJson());
        var rows = Row().Matches(File.ReadAllText(Repository.File("docs/guide/recipes.md"))).ToDictionary(match => match.Groups["key"].Value, match => match.Groups["value"].Value);
        Assert.Equal(Recipe.Keys, rows.Keys);
        foreach (var (key, shown) in rows)
            Assert.Equal(defaults.RootElement.TryGetProperty(key, out var value) ? value.ToString().ToLowerInvariant() : "", shown.ToLowerInvariant());
    }

    [Fact]
    public void Recipes_of_the_repository_and_of_the_guide_are_valid()
    {
        foreach (var file in Directory.GetFiles(Repository.File("recipes"), "*.json", SearchOption.AllDirectories))
            Recipe.FromJson(File.ReadAllText(file), file);
        Assert.Equal(15, Recipe.FromJson(JsonFence().Match(File.ReadAllText(Repository.File("docs/guide/recipes.md"))).Groups["code"].Value).Epochs);
    }

    [Theory, InlineData("cifar10-resnet20"), InlineData("shapes-resnet8"), InlineData("shapes-resnet8-half")]
    public void The_numbers_of_the_README_are_those_of_the_result_files(string name)
    {
        var runs = File.ReadAllLines(Repository.File($"results/{name}.csv")).Skip(1).Select(line => line.Split(',')).ToArray();
        foreach (var method in (string[])["baseline", "cutmix"])
        {
            var errors = Statistic.Of(runs.Where(run => run[0] == method).Select(run => double.Parse(run[3], CultureInfo.InvariantCulture)));
            Assert.Contains(errors.ToString(), Readme, StringComparison.Ordinal);
        }
    }

    private static string Help(string verb)
    {
        var result = CommandLine.Run([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, result.ExitCode);
        return result.Output;
    }

    private static IEnumerable<string> Headings(string page) => Heading().Matches(page).Select(match =>
        match.Groups[1].Value.ToLowerInvariant().Replace(' ', '-').Replace(",", "", StringComparison.Ordinal));

    private static string Unindented(string code)
    {
        var lines = code.Split('\n').Select(line => line.TrimEnd()).SkipWhile(line => line.Length == 0).Reverse().SkipWhile(line => line.Length == 0).Reverse().ToArray();
        var indent = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join("\n", lines.Select(line => line.Length == 0 ? "" : line[indent..]));
    }

    [GeneratedRegex(@"// <cutmix>\n(?<code>.*?)\n\s*// </cutmix>", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"```json\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex JsonFence();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]+")]
    private static partial Regex Flag();

    [GeneratedRegex(@"^\| `(\w+)` \| (?:trains|one run|the picture|writes|drawn|what there is|classes|the catalogue|our speed)", RegexOptions.Multiline)]
    private static partial Regex VerbRow();

    [GeneratedRegex(@"^  (\w+)(?: <\w+>)* {2,}\w", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"^\| `(?<key>\w+)` \| (?:`(?<value>[^`]*)`)?[^|]*\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
