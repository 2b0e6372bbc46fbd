using System.Diagnostics;
using System.Security.Cryptography;
using Patchwork.Inference;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Packaging;

/// <summary>What a user does with the packages: references them in a new project, makes one from the template, installs the tool.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class PackageTests(PackedProjects packed) : IClassFixture<PackedProjects>, IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    private string Picture => Path.Combine(files.Pictures, "red", "003.png");

    private static void NeedPackages()
    {
        Lane.NeedFull("packs, builds and publishes");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Packs for Linux.");
    }

    [Fact]
    public void A_project_that_references_Patchwork_trains_decodes_and_leaves_the_cache_as_it_was()
    {
        NeedPackages();
        var torchSharp = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3);
        var native = Path.Combine(PackedProjects.Cache, "torchsharp", torchSharp, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        var before = SHA256.HashData(File.ReadAllBytes(native));
        var project = packed.Project("User", "Patchwork", """
            using Patchwork.Inference;
            using Patchwork.Recipes;
            using Patchwork.Runs;

            var recipe = new Recipe { Dataset = "folder", Data = args[0], ImageSize = 16, Epochs = 1, BatchSize = 4, Threads = 1 };
            TrainingRun.Start(recipe, args[1], [], _ => { });
            using var predictor = Predictor.Open(args[1]);
            Console.WriteLine(predictor.Classify(args[2]).Classes.Count);
            """, """<PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />""");
        PackedProjects.Dotnet(project, "publish", "-c", "Release", "-o", files.At("published"));
        Assert.Equal("3", PackedProjects.Dotnet(project, files.At("published/User.dll"), files.Pictures, files.At("run"), Picture).Trim());
        Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(native)));
        Assert.Empty(Directory.GetFiles(files.At("published"), "*torch_python*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_service_that_references_Patchwork_Onnx_is_small_and_has_no_torch()
    {
        NeedPackages();
        using var model = new SeedStream(1).Network(() => ModelZoo.Create("resnet8", 3));
        model.eval();
        new OnnxExport().Write(files.At("pictures.onnx"), model, new ModelCard("resnet8", ["a", "b", "c"], 3, 16, 16, [0, 0, 0], [1, 1, 1]));
        var project = packed.Project("Service", "Patchwork.Onnx", """
            using Patchwork.Onnx;

            using var classifier = OnnxClassifier.Load(args[0]);
            Console.WriteLine(classifier.Classify(args[1]).Classes.Count);
            """);
        PackedProjects.Dotnet(project, "publish", "-c", "Release", "-r", "linux-x64", "--self-contained", "false", "-o", files.At("published"));
        Assert.Equal("3", PackedProjects.Dotnet(project, files.At("published/Service.dll"), files.At("pictures.onnx"), Picture).Trim());
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
    public void The_tool_runs_on_its_own_after_its_installation()
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
