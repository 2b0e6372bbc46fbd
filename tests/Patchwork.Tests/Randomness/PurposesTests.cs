using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Randomness;

/// <summary>The purposes that the library opens streams for, read from its source: no two of them may share a stream.</summary>
public sealed partial class PurposesTests
{
    private static readonly (string File, string Argument)[] Calls =
    [
        .. from file in Directory.EnumerateFiles(Repository.File("src/Patchwork"), "*.cs", SearchOption.AllDirectories)
           where !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")
           from Match call in Call().Matches(WithoutComments(File.ReadAllText(file)))
           select (Path.GetFileName(file), call.Groups["purpose"].Value),
    ];

    // Every text that a purpose can be: those in the source, with each method or drawn set for a placeholder.
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

    // Nothing but SeedStream itself hands a purpose on: whoever opens a stream writes what it is for.
    [Fact]
    public void Purposes_are_written_where_streams_are_opened()
    {
        var passedOn = Calls.Where(call => !call.Argument.StartsWith('"') && !call.Argument.StartsWith('$') && call.File != "SeedStream.cs");
        Assert.True(!passedOn.Any(), string.Join('\n', passedOn));
    }

    private static IEnumerable<string> Filled(string purpose) => !purpose.Contains('{', StringComparison.Ordinal) ? [purpose]
        : Methods.All.Select(method => Placeholder().Replace(purpose, method.Id));

    private static string WithoutComments(string source) => Comment().Replace(source, "");

    // seeds.Open("mix", …), SeedTorch("step", …), TorchSeed("model", …), new StreamId(seed, "…", …)
    [GeneratedRegex(@"(?:[sS]eeds?|SeedStream\([^()]*(?:\([^()]*\)[^()]*)*\))\.Open\((?<purpose>[^,)]+)|(?:SeedTorch|TorchSeed)\((?<purpose>[^,)]+)|Purpose = (?<purpose>\$?""[^""]*"")")]
    private static partial Regex Call();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"^\s*//.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();
}
