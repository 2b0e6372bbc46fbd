using System.Text.RegularExpressions;
using Patchwork.Cli;
using Patchwork.Cli.Commands;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Messages of the library name properties, which the command line turns into flags.</summary>
public sealed partial class FlagsTests
{
    private static IEnumerable<(string File, string Line)> Sources =>
        from file in Repository.Sources("src/Patchwork", "src/Patchwork.Imaging")
        where !file.Contains("buildTransitive", StringComparison.Ordinal)
        from line in File.ReadLines(file)
        where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        select (Path.GetFileName(file), line);

    [Theory]
    [InlineData("`ImageSize` must be 8 to 1024. Received: 4.", "--image-size must be 8 to 1024. Received: 4.")]
    [InlineData("Omit `Lr`.", "Omit --lr.")]
    [InlineData("resume it with `TrainingRun.Resume(\"/runs/a b\")`.", "resume it with train --resume --out /runs/a b.")]
    [InlineData("no `code` and no property", "no `code` and no property")]
    public void Properties_and_calls_in_a_message_become_flags_and_commands(string message, string expected) =>
        Assert.Equal(expected, Flags.In(message));

    [Fact]
    public void Every_property_that_a_message_names_has_a_flag()
    {
        var flags = PatchworkCommand.Create(new CommandRanks()).Subcommands.SelectMany(verb => verb.Options).Select(option => option.Name).ToHashSet();
        var named = from source in Sources
                    from Match match in Property().Matches(source.Line)
                    select (source.File, Name: match.Groups["name"].Value);
        Assert.NotEmpty(named);
        var missing = named.Where(one => !flags.Contains(Flags.Of(one.Name)));
        Assert.True(!missing.Any(), string.Join('\n', missing.Select(one => $"{one.File}: {one.Name} is no {Flags.Of(one.Name)}")));
    }

    [Fact]
    public void Messages_of_the_library_name_no_flags()
    {
        var flags = Sources.Where(source => source.File != "HtmlReportAssets.cs" && Flag().IsMatch(source.Line));
        Assert.True(!flags.Any(), string.Join('\n', flags));
    }

    [GeneratedRegex("`(?<name>[A-Z][A-Za-z]*)`")]
    private static partial Regex Property();

    // Does not match CSS variables such as var(--ink).
    [GeneratedRegex(@"""[^""]*(?<![\w(])--[a-z]+[^""]*""")]
    private static partial Regex Flag();
}
