using System.CommandLine;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>Flags about what is evaluated: the suites, how many images, and one flag for each option of the catalogue's suites.</summary>
internal sealed class SuiteOptions(string flag, bool alsoNone = false)
{
    private readonly Option<string?> suites = new(flag)
    {
        Description = $"suites separated by commas ({string.Join(", ", Suites.All.Select(suite => suite.Id))}), "
            + (alsoNone ? "all, or none" : "all"),
    };

    private readonly Option<int?> limit = WholeOption.Optional("--limit",
        "test images that are evaluated, every class by its share; written into every result (default all)");

    private readonly Dictionary<string, Option<string?>> own = Suites.All.SelectMany(suite => suite.Options)
        .ToDictionary(option => option.Name, option => new Option<string?>(FlagOf(option)) { Description = option.Description });

    public void AddTo(Command command)
    {
        command.Options.Add(suites);
        command.Options.Add(limit);
        foreach (var option in own.Values)
            command.Options.Add(option);
    }

    /// <summary>The options that were given, or null where nothing is to be evaluated.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="standard">The suites where none is named.</param>
    /// <param name="standardLimit">The test images where neither suites nor their number are given.</param>
    public EvaluationOptions? Over(ParseResult parsed, string standard = "none", int? standardLimit = null)
    {
        var given = parsed.GetValue(suites)?.ToLowerInvariant();
        var names = given ?? standard;
        if (names == "none")
            return null;
        var chosen = Suites.Parse(names).Select(suite => suite.Id).ToHashSet();
        return new EvaluationOptions
        {
            Suites = [.. Suites.All.Select(suite => suite.Options.Aggregate(suite, Set)).Where(suite => chosen.Contains(suite.Id))],
            SkipUnmeasurable = names == "all",
            Limit = parsed.GetValue(limit) ?? (given is null ? standardLimit : null),
        };

        Suite Set(Suite suite, SuiteOption option) => parsed.GetValue(own[option.Name]) is { } text ? option.Set(suite, text) : suite;
    }

    /// <summary>A message of the library with the flags of suites in place of their properties.</summary>
    public static string InFlags(string message) => Suites.All.SelectMany(suite => suite.Options)
        .Aggregate(message, (text, option) => text.Replace($"`{option.Property}`", FlagOf(option), StringComparison.Ordinal));

    private static string FlagOf(SuiteOption option) => $"--{option.Name}";
}
