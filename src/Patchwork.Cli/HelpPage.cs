using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Patchwork.Cli.Terminal;

namespace Patchwork.Cli;

/// <summary>Prints a verb's help: what it does, how it is called, its flags by group, and examples.</summary>
internal sealed class HelpPage : SynchronousCommandLineAction
{
    private const int LongestName = 28;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;      // a missing argument does not keep the user from reading the help

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        var page = new Page(parseResult.Output, Math.Clamp(parseResult.Screen.Profile.Width, 60, 120));
        page.Text(command.Description ?? "");
        page.Section("Usage", [(Usage(command), "")]);
        page.Section("Arguments", command.Arguments.Select(argument => ($"<{argument.Name}>", argument.Description ?? "")));
        page.Section("Commands", command.Subcommands.Select(verb => (verb.Name, verb.Description ?? "")));
        foreach (var (heading, options) in HelpGroups.Of(Known(command)))
            page.Section(heading, options.Select(option => (Name(option), Description(option))));
        if (command is Verb { Examples: { Count: > 0 } examples })
            page.Examples(examples);
        if (command is RootCommand)
            page.Text("`patchwork <command> --help` lists the flags of a command, with examples.");
        return 0;
    }

    // Its own options and those that hold for all commands, as --help.
    private static IEnumerable<Option> Known(Command command) =>
        command.Options.Concat(command.Parents.SelectMany(parent => ((Command)parent).Options.Where(option => option.Recursive)))
            .Where(option => !option.Hidden).DistinctBy(option => option.Name);

    private static string Usage(Command command)
    {
        var words = new List<string> { command.Name };
        for (var parent = command.Parents.FirstOrDefault(); parent is not null; parent = parent.Parents.FirstOrDefault())
            words.Insert(0, parent.Name);
        words[0] = "patchwork";      // the root has the name of the running program
        words.AddRange(command.Arguments.Select(argument =>
        {
            var name = $"<{argument.Name}>{(argument.Arity.MaximumNumberOfValues > 1 ? "..." : "")}";
            return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
        }));
        words.Add(command.Subcommands.Count > 0 ? "<command> [options]" : "[options]");
        return string.Join(' ', words);
    }

    private static string Name(Option option) => option switch
    {
        HelpOption => "-h, --help",
        { HelpName: { } value } => $"{option.Name} {value}",
        _ => option.ValueType == typeof(bool) || option.Arity.MaximumNumberOfValues == 0 ? option.Name : $"{option.Name} VALUE",
    };

    private static string Description(Option option)
    {
        var standard = option.HasDefaultValue && option.ValueType != typeof(bool) && option.GetDefaultValue() is { } value
            && !(option.Description ?? "").Contains("(default", StringComparison.Ordinal) ? $" (default {value})" : "";
        return option.Description + standard;
    }

    // Names on the left, wrapped descriptions on the right.
    private sealed class Page(TextWriter output, int width)
    {
        public void Text(string text)
        {
            foreach (var line in Wrapped(text, width))
                output.WriteLine(line);
            output.WriteLine();
        }

        public void Section(string heading, IEnumerable<(string Name, string Text)> rows)
        {
            (string Name, string Text)[] all = [.. rows];
            if (all.Length == 0)
                return;
            output.WriteLine($"{heading}:");
            var left = Math.Min(LongestName, all.Max(row => row.Name.Length)) + 4;
            foreach (var (name, text) in all)
            {
                var lines = Wrapped(text, Math.Max(width - left, 30)).ToArray();
                var apart = name.Length + 4 > left;      // too long a name has a line of its own
                if (apart || lines.Length == 0)
                    output.WriteLine($"  {name}");
                foreach (var (line, i) in lines.Select((line, i) => (line, i)))
                    output.WriteLine($"{(i == 0 && !apart ? $"  {name}" : "").PadRight(left)}{line}");
            }
            output.WriteLine();
        }

        public void Examples(IReadOnlyList<VerbExample> examples)
        {
            output.WriteLine("Examples:");
            foreach (var (line, does) in examples)
                output.WriteLine($"  {line}\n      {does}");
            output.WriteLine();
        }

        private static IEnumerable<string> Wrapped(string text, int width)
        {
            var line = "";
            foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (line.Length > 0 && line.Length + 1 + word.Length > width)
                {
                    yield return line;
                    line = "";
                }
                line += (line.Length > 0 ? " " : "") + word;
            }
            if (line.Length > 0)
                yield return line;
        }
    }
}
