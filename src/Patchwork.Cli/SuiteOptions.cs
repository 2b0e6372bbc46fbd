using System.CommandLine;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>The flags of an evaluation: suites, number of images, and one flag per option of the catalogue's suites.</summary>
internal sealed class SuiteOptions(string flag, bool alsoNone = false)
{
    private readonly Option<string?> suites = new(flag)
    {
        Description = $"suites, separated by commas: {string.Join(", ", Suites.All.Select(suite => suite.Id))}; or all"
            + (alsoNone ? ", or none" : ""),
        HelpName = "NAMES",
    };

    private readonly Option<int?> limit = WholeOption.Optional("--limit",
        "evaluate on N test images, stratified by class (default all)");

    private readonly Dictionary<string, Option<string?>> own = Suites.All.SelectMany(suite => suite.Options)
        .ToDictionary(option => option.Name, option => new Option<string?>(FlagOf(option)) { Description = option.Description });

    public void AddTo(Command command)
    {
        command.Options.Add(suites);
        command.Options.Add(limit);
        foreach (var option in own.Values)
            command.Options.Add(option);
    }

    /// <summary>The evaluation that the command line asks for; null if it asks for none.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="standard">The suites if none are named.</param>
    /// <param name="standardLimit">The number of test images if neither suites nor a number are given.</param>
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

    /// <summary>Replaces the suite properties in a library message by their flags.</summary>
    public static string InFlags(string message) => Suites.All.SelectMany(suite => suite.Options)
        .Aggregate(message, (text, option) => text.Replace($"`{option.Property}`", FlagOf(option), StringComparison.Ordinal));

    private static string FlagOf(SuiteOption option) => $"--{option.Name}";
}
