using System.Reflection;
using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Architecture;

/// <summary>The folders of the library have an order, and each one uses only the folders before it.</summary>
public sealed partial class FolderOrderTests
{
    // Losses and Schedules come before Plans, because PairTargets weights a Loss.
    private static readonly string[] Order =
    [
        "Internals", "Distributed", "Randomness", "Formats", "Losses", "Schedules", "Plans", "Data", "Regularization", "Models", "Interop",
        "Saliency", "Mixing", "Evaluation", "Reporting", "Training", "Inference", "Previews", "Recipes", "Runs", "Comparisons",
    ];

    private static readonly Assembly Library = typeof(Methods).Assembly;

    private static string[] Folders =>
        [.. Directory.GetDirectories(Repository.File("src/Patchwork")).Select(path => Path.GetFileName(path)!)
        .Where(name => name is not ("bin" or "obj" or "buildTransitive"))];

    [Fact]
    public void Every_folder_is_in_the_order_and_every_file_in_the_namespace_of_its_folder()
    {
        Assert.Equal(Order.Order(StringComparer.Ordinal), Folders.Order(StringComparer.Ordinal));
        foreach (var folder in Folders)
        {
            foreach (var file in Repository.Sources($"src/Patchwork/{folder}"))
                Assert.True(File.ReadLines(file).Contains($"namespace Patchwork.{folder};"), $"{file} is in another namespace");
        }
        foreach (var file in Directory.GetFiles(Repository.File("src/Patchwork"), "*.cs"))
            Assert.Contains("namespace Patchwork;", File.ReadLines(file));
    }

    [Fact]
    public void Compiled_code_uses_only_folders_before_its_own()
    {
        var wrong = from use in Uses()
                    where Array.IndexOf(Order, use.To) > Array.IndexOf(Order, use.From)
                    select $"{use.Type} uses {use.Of}";
        Assert.Equal([], wrong.Distinct());
    }

    // Docstrings and constants leave no trace in the compiled code, so this test reads directives and partially qualified names in the
    // source.
    [Fact]
    public void Sources_name_only_folders_before_their_own()
    {
        foreach (var folder in Folders)
        {
            foreach (var file in Repository.Sources($"src/Patchwork/{folder}"))
            {
                foreach (Match use in Named().Matches(File.ReadAllText(file)))
                {
                    var other = use.Groups["folder"].Value;
                    Assert.True(Array.IndexOf(Order, other) <= Array.IndexOf(Order, folder),
                        $"{file} names {use.Value}, which comes after {folder}");
                }
            }
        }
    }

    [Fact]
    public void The_pattern_page_lists_the_folders_in_order_with_what_each_uses()
    {
        var rows = File.ReadLines(Repository.File("docs/pattern.md")).Select(line => Row().Match(line)).Where(row => row.Success)
            .Select(row => (Folder: row.Groups["folder"].Value, Uses: row.Groups["uses"].Value.Trim())).ToArray();
        Assert.Equal(Order, rows.Select(row => row.Folder));
        var uses = Uses().Where(use => use.From != use.To).ToLookup(use => use.From, use => use.To);
        var wrong = from row in rows
                    let used = string.Join(", ", uses[row.Folder].Distinct().OrderBy(name => Array.IndexOf(Order, name))
                        .DefaultIfEmpty("-"))
                    where used != row.Uses
                    select $"`{row.Folder}/` uses | {used} |";
        Assert.True(!wrong.Any(), string.Join('\n', wrong));
    }

    [Fact]
    public void The_imaging_library_does_not_reference_torch_or_Patchwork()
    {
        var names = typeof(InputException).Assembly.GetReferencedAssemblies().Select(name => name.Name);
        Assert.DoesNotContain(names, name => name is "TorchSharp" or "Patchwork");
    }

    // The assembly's types include nested types and those that the compiler generates for lambdas and iterators, with the same namespace.
    private static IEnumerable<(string From, string To, Type Type, Type Of)> Uses() =>
        from type in Library.GetTypes()
        where FolderOf(type) is not null
        from used in CompiledCode.TypesUsedBy(type)
        where used.Assembly == Library && FolderOf(used) is not null
        select (FolderOf(type)!, FolderOf(used)!, type, used);

    private static string? FolderOf(Type type) =>
        type.Namespace is { } name && name.StartsWith("Patchwork.", StringComparison.Ordinal) ? name["Patchwork.".Length..] : null;

    // Matches Patchwork.Mixing, and Mixing.Methods unless a word character, dot, quote or slash precedes it.
    [GeneratedRegex(@"(?:Patchwork\.|(?<![\w.""/]))(?<folder>Internals|Distributed|Randomness|Formats|Losses|Schedules|Plans|Data|Regularization|Models|Interop|Saliency|Mixing|Evaluation|Reporting|Training|Inference|Previews|Recipes|Runs|Comparisons)(?:;|\.[A-Z]\w+)")]
    private static partial Regex Named();

    [GeneratedRegex(@"^\| `(?<folder>\w+)/` \|[^|]*\|(?<uses>[^|]*)\|$")]
    private static partial Regex Row();
}
