using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Patchwork.Inference;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Packaging;

/// <summary>Uses the packages as a user does: references them in a new project, creates one from the template, installs the tool.</summary>
public sealed class PackageTests(PackedProjects packed) : IClassFixture<PackedProjects>, IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    // A project or program of the page, by its position.
    private static string Fence(string language, int number) => Regex.Matches(
        File.ReadAllText(Repository.File("docs/guide/from-nuget.md")).ReplaceLineEndings("\n"), $@"```{language}\n(?<code>.*?)```",
        RegexOptions.Singleline)[number].Groups["code"].Value;

    private string Picture => Path.Combine(files.Pictures, "red", "003.png");

    private static void NeedPackages()
    {
        Lane.NeedFull("packs, builds and publishes");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Packs for Linux.");
    }

    [Fact]
    public void A_project_that_references_Patchwork_trains_decodes_and_leaves_the_package_cache_unchanged()
    {
        NeedPackages();
        var torchSharp = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3);
        var native = Path.Combine(PackedProjects.Cache, "torchsharp", torchSharp, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        var before = SHA256.HashData(File.ReadAllBytes(native));
        var project = packed.Project("Trains", Fence("xml", 0), Fence("csharp", 0));
        PackedProjects.Dotnet(project, "publish", "-c", "Release", "-o", files.At("published"));
        var said = PackedProjects.Dotnet(project, files.At("published/Trains.dll"), files.Pictures, files.At("run"), Picture);
        Assert.Matches(@"of the test pictures are wrong\n(red|green|blue) [\d.]+ %\n$", said);
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(native)));
        Assert.Empty(Directory.GetFiles(files.At("published"), "*torch_python*", SearchOption.AllDirectories));
    }

    // DocsTests compares these sources with the code in the README and the guides.
    [Fact]
    public void The_code_of_the_README_and_the_guides_builds_and_runs_with_nothing_but_the_package()
    {
        NeedPackages();
        var project = packed.Project("Shown", Fence("xml", 0), File.ReadAllText(Repository.File("samples/00-ten-lines/Program.cs")));
        string[] shown = ["01-your-own-loop/YourOwnLoop.cs", "02-the-article/TheArticle.cs", "03-your-own-callback/YourOwnCallback.cs",
            "06-mixed-precision/MixedPrecision.cs", "07-several-machines/SeveralMachines.cs"];
        foreach (var sample in shown)
            File.Copy(Repository.File($"samples/{sample}"), Path.Combine(project, Path.GetFileName(sample)));
        PackedProjects.Dotnet(project, "build", "-c", "Release");
        Assert.Matches(@"test error \d+\.\d %", PackedProjects.Dotnet(project, Path.Combine(project, "bin/Release/net10.0/Shown.dll")));
    }

    [Fact]
    public void A_service_that_references_Patchwork_Onnx_is_small_and_has_no_torch()
    {
        NeedPackages();
        using var model = new SeedStream(1).Network(() => ModelZoo.Create("resnet8", 3));
        model.eval();
        new OnnxExport().Write(files.At("pictures.onnx"), model, new ModelCard("resnet8", ["a", "b", "c"], 3, 16, 16, [0, 0, 0], [1, 1, 1]));
        var project = packed.Project("Classifies", Fence("xml", 1), Fence("csharp", 1));
        PackedProjects.Dotnet(project, "publish", "-c", "Release", "-r", "linux-x64", "--self-contained", "false", "-o", files.At("published"));
        Assert.Matches(@"^[abc] [\d.]+ %\n$",
            PackedProjects.Dotnet(project, files.At("published/Classifies.dll"), files.At("pictures.onnx"), Picture));
        var published = new DirectoryInfo(files.At("published")).GetFiles("*", SearchOption.AllDirectories);
        Assert.InRange(published.Sum(file => file.Length), 1, 80_000_000);
        Assert.DoesNotContain(published, file => file.Name.Contains("torch", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void The_template_makes_a_project_that_trains_resumes_and_predicts()
    {
        NeedPackages();
        var project = packed.Empty("made");
        string[] hive = ["--debug:custom-hive", files.At("hive")];
        PackedProjects.Dotnet(project, ["new", "install", Path.Combine(packed.Feed, $"Patchwork.Templates.{packed.Version}.nupkg"), .. hive]);
        PackedProjects.Dotnet(project, ["new", "patchwork", "--output", ".", "--name", "MyClassifier", .. hive]);
        PackedProjects.Dotnet(project, "build", "-c", "Release", "-p:CreateHardLinksForCopyLocalIfPossible=true");
        var program = Path.Combine(project, "bin", "Release", "net10.0", "MyClassifier.dll");
        Assert.Contains("of the test pictures are wrong", PackedProjects.Dotnet(project, program, "train", files.Pictures), StringComparison.Ordinal);
        Assert.Contains("of the test pictures are wrong", PackedProjects.Dotnet(project, program, "train", files.Pictures), StringComparison.Ordinal);
        Assert.Matches(@"003\.png: \w+ [\d.]+ %, \w+", PackedProjects.Dotnet(project, program, "predict", Picture));
    }

    [Fact]
    public void The_installed_tool_runs_on_its_own()
    {
        NeedPackages();
        Assert.SkipWhen(Environment.GetEnvironmentVariable("PATCHWORK_PACKAGES") is null, "The tool is packed by .ci/release.");
        var project = packed.Empty("tool");
        PackedProjects.Dotnet(project, "tool", "install", "Patchwork.Cli", "--tool-path", files.At("tools"), "--add-source", packed.Feed,
            "--version", packed.Version);
        var said = PackedProjects.Run(project, Repository.File(".ci/smoke"), files.At("tools/patchwork"));
        Assert.Contains("all of it works", said, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(files.At("tools"), "*", SearchOption.AllDirectories), file =>
            file.EndsWith(".pdb", StringComparison.Ordinal) || file.Contains("torch_python", StringComparison.Ordinal)
            || file.Contains("win-x64", StringComparison.Ordinal) || file.Contains("osx", StringComparison.Ordinal));
    }
}
