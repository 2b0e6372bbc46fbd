using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>The statements of the README, the guide and the cards are true of the code.</summary>
public sealed partial class DocsTests
{
    private static readonly string Readme = File.ReadAllText(Repository.File("README.md"));

    public static TheoryData<string> Pages => [.. Directory.GetFiles(Repository.File("docs"), "*.md", SearchOption.AllDirectories)
        .Concat(["README.md", "CONTRIBUTING.md"]).Select(path => Path.GetRelativePath(Repository.Root, Repository.File(path)))];

    public static TheoryData<string> Ids => [.. Methods.All.Select(method => method.Id)];

    [Fact]
    public void The_code_of_the_README_is_the_sample_that_runs_as_a_test()
    {
        var sample = File.ReadAllText(Repository.File("samples/00-ten-lines/Program.cs"));
        Assert.Equal(sample.TrimEnd(), Fence().Match(Readme).Groups["code"].Value);
    }

    [Fact]
    public void The_code_of_the_guide_to_a_loop_of_your_own_is_a_sample_that_runs_as_a_test()
    {
        var sample = Region().Match(File.ReadAllText(Repository.File("samples/01-your-own-loop/YourOwnLoop.cs"))).Groups["code"].Value;
        var shown = Fence().Match(File.ReadAllText(Repository.File("docs/guide/own-loop.md"))).Groups["code"].Value;
        Assert.Equal(Unindented(sample), Unindented(shown));
    }

    [Fact]
    public void The_code_of_the_speed_guide_is_a_sample_that_runs_as_a_test()
    {
        var sample = Region().Match(File.ReadAllText(Repository.File("samples/06-mixed-precision/MixedPrecision.cs"))).Groups["code"].Value;
        var shown = Fence().Match(File.ReadAllText(Repository.File("docs/guide/speed.md"))).Groups["code"].Value;
        Assert.Equal(Unindented(sample), Unindented(shown));
    }

    [Fact]
    public void The_code_of_the_guide_to_several_machines_is_a_sample_that_runs_as_a_test()
    {
        var sample = Ranks().Match(File.ReadAllText(Repository.File("samples/07-several-machines/SeveralMachines.cs"))).Groups["code"].Value;
        var shown = Fence().Match(File.ReadAllText(Repository.File("docs/guide/several-machines.md"))).Groups["code"].Value;
        Assert.Equal(Unindented(sample), Unindented(shown));
    }

    [GeneratedRegex(@"// <ranks>\n(?<code>.*?)\n\s*// </ranks>", RegexOptions.Singleline)]
    private static partial Regex Ranks();

    [Theory, MemberData(nameof(Pages))]
    public void Link_targets_exist(string page)
    {
        var file = Repository.File(page);
        var text = File.ReadAllText(file);
        foreach (var target in Link().Matches(text).Select(match => match.Groups["target"].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal)))
        {
            var (path, anchor) = target.Split('#') is [var before, var after] ? (before, after) : (target, "");
            var there = path.Length == 0 ? file : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, path));
            Assert.True(Path.Exists(there), $"{page} links to {target}");
            if (anchor.Length > 0)
                Assert.Contains(anchor, Headings(File.ReadAllText(there)));
        }
    }

    // Flags of dotnet, of MPI launchers and of Slurm.
    private static readonly string[] OfOthers = ["--project", "--verify-no-changes", "--allow-run-as-root", "--bind-to", "--oversubscribe",
        "--host", "--mca", "--mpi", "--nodes", "--ntasks-per-node", "--cpus-per-task"];

    [Theory, MemberData(nameof(Pages))]
    public void Flags_and_verbs_exist(string page)
    {
        var help =
            string.Join("\n", new[] { "compare", "train", "evaluate", "preview", "mix", "plan", "methods", "predict", "explain",
            "export", "bench" }.Select(verb => Help(verb)));
        var text = OtherCommand().Replace(File.ReadAllText(Repository.File(page)), "");      // other programs have their own flags
        foreach (var flag in Flag().Matches(text).Select(match => match.Value).Except(OfOthers))
            Assert.True(Regex.IsMatch(help, $@"(^|\s){flag}\b"), $"{page} names {flag}");
        if (page == "README.md")
        {
            var verbs = VerbTable().Match(text).Groups["verb"].Captures.Select(verb => verb.Value);
            Assert.Equal(Command().Matches(Help("")).Select(match => match.Groups[1].Value).Order(), verbs.Order());
        }
    }

    [Fact]
    public void A_method_has_a_source_a_test_a_card_and_a_line_in_the_catalogue()
    {
        foreach (var type in typeof(IMethod).Assembly.GetTypes()
            .Where(type => typeof(IMethod).IsAssignableFrom(type) && type is { IsAbstract: false, IsInterface: false }
            && type != typeof(OneOf) && type != typeof(WithProbability)))
        {
            var method = Methods.All.FirstOrDefault(method => method.Create().GetType() == type);
            Assert.True(method is not null, $"src/Patchwork/Mixing/Methods.cs has no line for {type.Name}");
            var folder = type.Namespace!.Split('.')[^1];
            var source = Place($"src/Patchwork/{folder}", $"{type.Name}.cs");
            var test = Place($"tests/Patchwork.Tests/{folder}", $"{type.Name}Tests.cs");
            var card = Place("docs/methods", $"{method.Id}.md");
            foreach (var file in (string[])[source, test])
                Assert.True(File.ReadAllText(Repository.File(card)).Contains($"../../{file}", StringComparison.Ordinal),
                    $"{card} does not link {file}");
        }
    }

    // The path of a file in the folder or below it.
    private static string Place(string folder, string name)
    {
        var found = Directory.GetFiles(Repository.File(folder), name, SearchOption.AllDirectories);
        Assert.True(found.Length == 1, $"{folder}/{name} is missing");
        return Path.GetRelativePath(Repository.Root, found[0]).Replace('\\', '/');
    }

    [Theory, MemberData(nameof(Ids))]
    public void A_card_lists_exactly_the_options_of_the_method_with_their_defaults(string id)
    {
        var card = File.ReadAllText(Repository.File($"docs/methods/{id}.md"));
        var shown = OptionRow().Matches(Options().Match(card).Value)
            .Select(row => $"{row.Groups["name"].Value} = {row.Groups["value"].Value.Trim()}");
        var method = Methods.Find(id).Create();
        var options = method.GetType().GetProperties().Where(property => property.SetMethod is { IsPublic: true });
        Assert.Equal(options.Select(property => $"{property.Name} = {Shown(property.GetValue(method))}").Order(StringComparer.Ordinal),
            shown.Order(StringComparer.Ordinal));
    }

    // An equation, a picture, and the sections that help to choose a method, in this order.
    [Theory, MemberData(nameof(Ids))]
    public void A_card_has_every_section(string id)
    {
        string[] sections = ["Options", "Defaults and differences", "What it costs", "What the tests pin", "When not to use it"];
        var card = File.ReadAllText(Repository.File($"docs/methods/{id}.md"));
        Assert.Equal(sections, Heading().Matches(card).Select(match => match.Groups[1].Value).Where(sections.Contains));
        Assert.All(card.Split("\n## ")[1..], section =>
            Assert.True(section.Split('\n', 2)[1].Trim().Length > 60, $"{id}: too little under {section.Split('\n')[0]}"));
        Assert.Matches(@"\n    \S.*(=|~|←)", card);
        Assert.Matches(@"!\[[^\]]+\]\(\.\./images/", card);
    }

    // After a new measurement the cards must be updated; the card of a method that is newer than the measurement says so.
    [Theory, MemberData(nameof(Ids))]
    public void The_cost_on_a_card_is_the_measured_one(string id)
    {
        var card = File.ReadAllText(Repository.File($"docs/methods/{id}.md"));
        var path = Measurement().Match(card);
        Assert.True(path.Success, $"{id}: no measurement");
        using var measured = JsonDocument.Parse(File.ReadAllText(Repository.File(path.Value)));
        // The networks that can be trained with the method.
        var steps = measured.RootElement.GetProperty("costs").EnumerateArray()
            .Where(step => step.GetProperty("methods").TryGetProperty(id, out _)).ToArray();
        if (steps.Length == 0)
            Assert.Contains("not measured yet", card, StringComparison.Ordinal);
        foreach (var step in steps)
        {
            var ratio = step.GetProperty("methods").GetProperty(id).GetProperty("step_with_over_without");
            string Number(string name) => ratio.GetProperty(name).GetDouble().ToString("0.000", CultureInfo.InvariantCulture);
            Assert.Contains($"| `{step.GetProperty("model").GetString()}`, {step.GetProperty("images").GetString()} | "
                + $"{Number("median")} | {Number("lower")} to {Number("upper")} |", card, StringComparison.Ordinal);
        }
    }

    // One row per method, in the order of the catalogue: what the network needs, the cost on its first network, and the change of the
    // test error in the comparison of all methods.
    [Fact]
    public void The_table_of_methods_lists_the_catalogue_with_the_measured_costs_and_errors()
    {
        using var costs = JsonDocument.Parse(File.ReadAllText(Repository.File("benchmarks/results/intel-xeon-2-cores/methods.json")));
        var errors = File.ReadAllLines(Repository.File("results/clothing-all.csv")).Skip(1).Select(line => line.Split(','))
            .ToLookup(row => row[0], row => decimal.Parse(row[3], CultureInfo.InvariantCulture))
            .ToDictionary(seeds => seeds.Key, seeds => seeds.Average());
        var rows = MethodRow().Matches(File.ReadAllText(Repository.File("docs/methods/README.md"))).ToArray();
        Assert.Equal(Methods.All.Select(method => $"{method.Name} {method.Id}"),
            rows.Select(row => $"{row.Groups["name"].Value} {row.Groups["id"].Value}"));
        foreach (var (method, row) in Methods.All.Zip(rows))
        {
            Assert.Contains(row.Groups["year"].Value, method.Source, StringComparison.Ordinal);
            Assert.Equal(method.Create().NetworkNeed switch
            {
                NetworkNeed.FeatureMaps => "feature maps",
                NetworkNeed.Attention => "attention",
                _ => "any",
            }, row.Groups["network"].Value);
            var step = costs.RootElement.GetProperty("costs").EnumerateArray()
                .First(one => one.GetProperty("methods").TryGetProperty(method.Id, out _));
            Assert.Equal(step.GetProperty("methods").GetProperty(method.Id).GetProperty("step_with_over_without").GetProperty("median")
                .GetDouble().ToString("0.000", CultureInfo.InvariantCulture), row.Groups["cost"].Value);
            var change = errors.TryGetValue(method.Id, out var error)
                ? (error - errors["baseline"]).ToString("+0.0;-0.0;+0.0", CultureInfo.InvariantCulture) : "-";
            Assert.Equal(change, row.Groups["error"].Value);
        }
    }

    // Every flag must belong to its verb, and the method must exist.
    [Theory, MemberData(nameof(Ids))]
    public void The_commands_on_a_card_are_valid(string id)
    {
        var commands = CardCommand().Matches(File.ReadAllText(Repository.File($"docs/methods/{id}.md")))
            .Select(match => match.Value.Split(' ')).ToArray();
        foreach (var words in commands)
        {
            var help = Help(words[1]);
            foreach (var flag in words.Where(word => word.StartsWith("--", StringComparison.Ordinal)))
                Assert.True(Regex.IsMatch(help, $@"^ +{flag}\b", RegexOptions.Multiline), $"{words[1]} has no {flag}");
        }
        var stacks = commands.Select(words => MethodStack.Parse(words[Array.IndexOf(words, "--method") + 1])).ToArray();
        Assert.Contains(stacks, stack => stack.Methods.Any(method => method.Id == id));
    }

    [Fact]
    public void The_table_of_recipe_keys_is_complete_and_its_defaults_are_correct()
    {
        using var defaults = JsonDocument.Parse(new Recipe().ToJson());
        var rows = Row().Matches(File.ReadAllText(Repository.File("docs/guide/recipes.md")))
            .ToDictionary(match => match.Groups["key"].Value, match => match.Groups["value"].Value);
        Assert.Equal(Recipe.Keys, rows.Keys);
        foreach (var (key, shown) in rows)
            Assert.Equal(defaults.RootElement.TryGetProperty(key, out var value) ? value.ToString().ToLowerInvariant() : "",
                shown.ToLowerInvariant());
    }

    // For a key with a fixed set of values, the table names exactly these values.
    [Fact]
    public void The_table_of_recipe_keys_names_every_value_of_a_key()
    {
        var rows = Row().Matches(File.ReadAllText(Repository.File("docs/guide/recipes.md")))
            .ToDictionary(match => match.Groups["key"].Value, match => match.Groups["meaning"].Value);
        foreach (var property in typeof(Recipe).GetProperties())
        {
            if ((Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) is not { IsEnum: true } words)
                continue;
            var shown = Word().Matches(rows[char.ToLowerInvariant(property.Name[0]) + property.Name[1..]])
                .Select(match => match.Groups[1].Value);
            Assert.Equal(Enum.GetNames(words).Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Recipes_of_the_repository_and_of_the_guide_are_valid()
    {
        foreach (var file in Directory.GetFiles(Repository.File("recipes"), "*.json", SearchOption.AllDirectories))
            Recipe.FromJson(File.ReadAllText(file), file);
        Assert.Equal(15, Recipe.FromJson(JsonFence()
            .Match(File.ReadAllText(Repository.File("docs/guide/recipes.md"))).Groups["code"].Value).Epochs);
    }

    // A row names its file and the arguments of its command. A file may contain several experiments: those runs count whose arguments
    // include the row's, besides seed and method. The methods are those of the columns, with the options that --methods gives them.
    [Fact]
    public void The_numbers_of_the_README_are_those_of_the_result_files()
    {
        var (file, numbers) = ("", 0);
        foreach (var row in ResultRow().Matches(Readme).Select(match => match.Groups))
        {
            file = row["file"].Success ? row["file"].Value : file;
            var lines = File.ReadAllLines(Repository.File($"results/{file}")).Select(line => line.Split(',', 8)).ToArray();
            var arguments = Arguments(row["command"].Value);
            var named = MethodNames().Match(row["command"].Value).Groups[1].Value.Split(',').ToLookup(name => name.Split(':')[0]);
            foreach (var (column, shown) in ((string[])["baseline", "cutout", "mixup", "cutmix"]).Zip(row["numbers"].Captures))
            {
                var errors = lines.Skip(1).Where(run => run[0] == (named[column].FirstOrDefault() ?? column)
                    && arguments.IsSubsetOf(Arguments(run[7]))).Select(run => double.Parse(run[3], CultureInfo.InvariantCulture)).ToArray();
                if (shown.Value.Trim(' ', '*') is not { Length: > 0 } text)
                    continue;
                Assert.Equal(Statistic.Of(errors).ToString(), text);
                numbers += errors.Length;
            }
        }
        Assert.True(numbers > 50, $"only {numbers} numbers were found");
    }

    // "--seeds 5 --flip false --crop 4 --threads 1" is four pairs; seed and method differ from run to run.
    private static HashSet<string> Arguments(string command) =>
        [.. Argument().Matches(command).Select(match => match.Value).Where(pair => !SeedOrMethod().IsMatch(pair))];

    private static string Help(string verb)
    {
        var result = CommandLine.Run([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);
        Assert.Equal(0, result.ExitCode);
        return result.Output;
    }

    // A default value in the notation of the cards.
    private static string Shown(object? value) => value switch
    {
        null => "none",
        bool flag => flag ? "true" : "false",
        Enum => $"`{value}`",
        ShareRange range => FormattableString.Invariant($"{range.Least} to {range.Most}"),
        UniformRange range => FormattableString.Invariant($"[{range.Low}, {range.High}]"),
        IEnumerable<string> names => string.Join(", ", names.Select(name => $"`{name}`")),
        IEnumerable<int> numbers => string.Join(", ", numbers),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    // The anchors that GitHub gives headings: punctuation is dropped.
    private static IEnumerable<string> Headings(string page) => Heading().Matches(page).Select(match =>
        NotInAnchors().Replace(match.Groups[1].Value.ToLowerInvariant(), "").Replace(' ', '-'));

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();

    private static string Unindented(string code)
    {
        var lines = code.Split('\n').Select(line => line.TrimEnd()).SkipWhile(line => line.Length == 0).Reverse()
            .SkipWhile(line => line.Length == 0).Reverse().ToArray();
        var indent = lines.Where(line => line.Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join("\n", lines.Select(line => line.Length == 0 ? "" : line[indent..]));
    }

    [GeneratedRegex(@"// <(?<name>\w+)>\n(?<code>.*?)\n\s*// </\k<name>>", RegexOptions.Singleline)]
    private static partial Regex Region();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex(@"```json\n(?<code>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex JsonFence();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<![\w-])--[a-z][a-z-]+")]
    private static partial Regex Flag();

    [GeneratedRegex(@"(?:dotnet (?:tool|new|nuget|publish) |dotnet run [^\n]*samples/|curl )[^\n`]*")]
    private static partial Regex OtherCommand();

    [GeneratedRegex(@"\| verb \| description \|\n\|---\|---\|\n(?:\| `(?<verb>\w+)` \| .*\n)+")]
    private static partial Regex VerbTable();

    [GeneratedRegex(@"^  (\w+)(?: <\w+>)* {2,}\w", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"^\| `(?<key>\w+)` \| (?:`(?<value>[^`]*)`)?[^|]*\|(?<meaning>.*)\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`([A-Z]\w+)`")]
    private static partial Regex Word();

    [GeneratedRegex(@"^## Options\n.*?(?=^## |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Options();

    [GeneratedRegex(@"^\| `(?<name>\w+)` \|(?<value>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();

    [GeneratedRegex(@"^patchwork .+$", RegexOptions.Multiline)]
    private static partial Regex CardCommand();

    [GeneratedRegex(@"^\| [^|]*?(\(\[file\]\(results/(?<file>[\w.-]+)\)\) )?\|((?<numbers>[^|]*)\|){4} `(?<command>--[^`]+)` \|$", RegexOptions.Multiline)]
    private static partial Regex ResultRow();

    [GeneratedRegex(@"--[\w-]+( (?!--)[^\s""]+)?")]
    private static partial Regex Argument();

    [GeneratedRegex("^--(seed|method)s? ")]
    private static partial Regex SeedOrMethod();

    [GeneratedRegex(@"--methods (\S+)")]
    private static partial Regex MethodNames();

    [GeneratedRegex(@"^\| \[(?<name>[^\]]+)\]\((?<id>\w+)\.md\) \| [^|]+ \| (?<year>\d{4}) \| (?<network>[^|]+?) \| (?<cost>[\d.]+) \| (?<error>\S+) \|$",
        RegexOptions.Multiline)]
    private static partial Regex MethodRow();

    [GeneratedRegex(@"benchmarks/results/[\w-]+/methods\.json")]
    private static partial Regex Measurement();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
