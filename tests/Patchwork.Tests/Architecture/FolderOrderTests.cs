using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Architecture;

public sealed partial class FolderOrderTests
{
    // Each folder uses only those before it. Losses and Schedules come before Plans, because PairTargets weights a Loss.
    private static readonly string[] Order =
    [
        "Internals", "Randomness", "Distributed", "Formats", "Losses", "Schedules", "Plans", "Data", "Regularization", "Models", "Interop",
        "Saliency", "Mixing", "Evaluation", "Reporting", "Training", "Inference", "Previews", "Recipes", "Runs", "Comparisons",
    ];

    [Fact]
    public void Every_folder_uses_only_folders_before_it()
    {
        foreach (var path in Directory.GetDirectories(Repository.File("src/Patchwork")).Where(path => Path.GetFileName(path) is not ("bin" or "obj" or "buildTransitive")))
        {
            var folder = Path.GetFileName(path);
            Assert.Contains(folder, Order);
            foreach (var file in Directory.GetFiles(path, "*.cs", SearchOption.AllDirectories))
            {
                var source = File.ReadAllText(file);
                Assert.Contains($"namespace Patchwork.{folder};", source);
                foreach (Match use in Uses().Matches(source))
                    Assert.True(Array.IndexOf(Order, use.Groups[1].Value) <= Array.IndexOf(Order, folder), $"{file} uses Patchwork.{use.Groups[1].Value}, which comes after {folder}");
            }
        }
    }

    [Fact]
    public void Public_classes_are_abstract_sealed_or_static_and_named_for_what_they_are()
    {
        foreach (var type in typeof(Methods).Assembly.GetExportedTypes().Where(type => type.IsClass && type.BaseType != typeof(MulticastDelegate)))
        {
            Assert.True(type.IsAbstract || type.IsSealed, $"{type} is neither abstract nor sealed");
            Assert.DoesNotMatch("(Helper|Manager|Utils?|Base|Impl|Processor)$", type.Name);
        }
    }

    [GeneratedRegex(@"Patchwork\.(Internals|Randomness|Distributed|Formats|Losses|Schedules|Plans|Data|Regularization|Models|Interop|Saliency|Mixing|Evaluation|Reporting|Training|Inference|Previews|Recipes|Runs|Comparisons)\b")]
    private static partial Regex Uses();
}
