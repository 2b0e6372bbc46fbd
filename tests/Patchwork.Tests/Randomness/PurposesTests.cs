using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Randomness;

/// <summary>Reads the purposes of all random streams from the source of the library: no two purposes may share a stream.</summary>
public sealed partial class PurposesTests
{
    private static readonly (string File, string Argument)[] Calls =
    [
        .. from file in Repository.Sources("src/Patchwork")
           let source = WithoutComments(File.ReadAllText(file))
           from call in Call().Matches(source).SelectMany(call => PassedOn(source, call.Groups["purpose"].Value))
           select (Path.GetFileName(file), call),
    ];

    // Every text that a purpose can be: the literals in the source, with the id of each method in place of a placeholder.
    private static string[] Purposes => [.. Calls.Where(call => call.Argument.StartsWith('"') || call.Argument.StartsWith('$'))
        .SelectMany(call => Filled(call.Argument.TrimStart('$').Trim('"'))).Distinct()];

    [Fact]
    public void No_two_purposes_have_the_same_hash()
    {
        Assert.Contains("mix", Purposes);
        Assert.Contains("augment", Purposes);
        Assert.Contains("step", Purposes);
        Assert.Contains("model", Purposes);
        var collisions = Purposes.GroupBy(Draws.Hash).Where(group => group.Count() > 1).Select(group => string.Join(" and ", group));
        Assert.Equal([], collisions);
    }

    // Only SeedStream itself passes a purpose on. All other code writes the purpose as a literal where it opens a stream.
    [Fact]
    public void Purposes_are_literals_where_streams_are_opened()
    {
        var passedOn = Calls.Where(call => !call.Argument.StartsWith('"') && !call.Argument.StartsWith('$')
            && call.File != "SeedStream.cs");
        Assert.True(!passedOn.Any(), string.Join('\n', passedOn));
    }

    // For a method or constructor with a purpose parameter: the literals that its callers pass.
    private static IEnumerable<string> PassedOn(string source, string argument)
    {
        string[] takers = argument != "purpose" ? []
            : [.. Taker().Matches(source).Select(match => match.Groups["name"].Value).Where(name => name != "Open").Distinct()];
        string[] written =
            [.. takers.SelectMany(name =>
            Regex.Matches(source, $@"\b{name}\([^;""]*?(?<purpose>\$?""[^""]*"")").Select(match => match.Groups["purpose"].Value))];
        return written.Length > 0 ? written : [argument];
    }

    private static IEnumerable<string> Filled(string purpose) => !purpose.Contains('{', StringComparison.Ordinal) ? [purpose]
        : Methods.All.Select(method => Placeholder().Replace(purpose, method.Id));

    private static string WithoutComments(string source) => Comment().Replace(source, "");

    // seeds.Open("mix", …), SeedTorch("step", …), TorchSeed("model", …), new StreamId(seed, "…", …)
    [GeneratedRegex(@"(?:[sS]eeds?|SeedStream\([^()]*(?:\([^()]*\)[^()]*)*\))\.Open\((?<purpose>[^,)]+)|(?:SeedTorch|TorchSeed)\((?<purpose>[^,)]+)|Purpose = (?<purpose>\$?""[^""]*"")")]
    private static partial Regex Call();

    [GeneratedRegex(@"(?<name>\w+)\([^()]*\bstring purpose\b")]
    private static partial Regex Taker();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
