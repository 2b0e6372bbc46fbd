using System.CommandLine;
using System.Text.RegularExpressions;
using Patchwork.Cli;
using Patchwork.Cli.Commands;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>The help of every command is complete, fits a terminal and shows command lines that work.</summary>
public sealed class HelpTests
{
    // The words of every command, as in "data check"; the root has none.
    public static TheoryData<string> Commands
    {
        get
        {
            using var ranks = new CommandRanks();
            return [.. Under(PatchworkCommand.Create(ranks), "")];
        }
    }

    private static IEnumerable<string> Under(Command command, string words) =>
        [words, .. command.Subcommands.SelectMany(verb => Under(verb, $"{words} {verb.Name}".Trim()))];

    private static string Help(string words) => CommandLine.Run([.. words.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Output;

    private static (Command Command, RootCommand Root) Find(string words, CommandRanks ranks)
    {
        var root = PatchworkCommand.Create(ranks);
        return (words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Aggregate((Command)root, (command, word) =>
            command.Subcommands.Single(verb => verb.Name == word)), root);
    }

    [Theory, MemberData(nameof(Commands))]
    public void Help_lists_every_flag_argument_and_command_once(string words)
    {
        using var ranks = new CommandRanks();
        var (command, _) = Find(words, ranks);
        var help = Help(words);
        foreach (var name in command.Options.Where(option => !option.Hidden).Select(option => option.Name)
            .Concat(command.Arguments.Select(argument => $"<{argument.Name}>"))
            .Concat(command.Subcommands.Select(verb => verb.Name)))
            Assert.Single(Regex.Matches(help, $@"^  (-h, )?{name}( |$)", RegexOptions.Multiline));
    }

    [Theory, MemberData(nameof(Commands))]
    public void Help_fits_80_columns_except_for_long_examples(string words) =>
        Assert.All(Help(words).Split('\n').Where(line => !line.StartsWith("  patchwork ", StringComparison.Ordinal)), line =>
            Assert.InRange(line.Length, 0, 80));

    [Theory, MemberData(nameof(Commands))]
    public void Every_verb_has_an_example_and_every_example_parses(string words)
    {
        using var ranks = new CommandRanks();
        var (command, root) = Find(words, ranks);
        if (command is not Verb verb)
            return;
        if (command.Subcommands.Count == 0 && words != "data list")      // which has no arguments
            Assert.NotEmpty(verb.Examples);
        foreach (var example in verb.Examples)
        {
            var parsed = root.Parse(example.Line.Split(' ')[1..]);
            Assert.Empty(parsed.Errors);
            Assert.Empty(parsed.UnmatchedTokens);
            Assert.DoesNotContain(parsed.CommandResult.Children.OfType<System.CommandLine.Parsing.ArgumentResult>()
                .SelectMany(argument => argument.Tokens), token => token.Value.StartsWith("--", StringComparison.Ordinal));
        }
    }

    [Theory, MemberData(nameof(Commands))]
    public void Help_names_a_default_once(string words) =>
        Assert.DoesNotMatch(@"\(default[^)]*\) \(default", Regex.Replace(Help(words), @"\s+", " "));
}
