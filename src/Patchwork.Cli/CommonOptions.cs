using System.CommandLine;

namespace Patchwork.Cli;

/// <summary>Flags about what is printed.</summary>
internal sealed class CommonOptions
{
    private readonly Option<bool> json = new("--json") { Description = "print one JSON document on standard output and nothing else" };
    private readonly Option<bool> quiet = new("--quiet") { Description = "no progress, only warnings" };
    private readonly Option<bool> verbose = new("--verbose") { Description = "stack trace on errors" };

    public bool Json(ParseResult parsed) => parsed.GetValue(json);

    public bool Quiet(ParseResult parsed) => parsed.GetValue(quiet);

    public void AddTo(Command command)
    {
        command.Options.Add(json);
        command.Options.Add(quiet);
        command.Options.Add(verbose);
    }
}
