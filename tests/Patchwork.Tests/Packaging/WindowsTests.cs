using System.Text.Json.Nodes;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Packaging;

/// <summary>
/// The command line published for Windows: its libraries export all that they import from each other, and it works under Wine.
/// </summary>
/// <remarks>
/// Wine loads a library even if imports are missing, so a run under Wine does not prove the former; and Wine is not Windows.
/// </remarks>
public sealed class WindowsTests(PublishedForWindows published) : IClassFixture<PublishedForWindows>
{
    [Fact]
    public void Every_name_that_a_library_imports_is_exported()
    {
        Lane.NeedFull("publishes for Windows");
        var libraries = Directory.GetFiles(published.Folder, "*.dll").Append(published.Program)
            .Select(path => (Name: Path.GetFileName(path), File: PeFile.Read(path))).Where(one => one.File is not null)
            .ToDictionary(one => one.Name, one => one.File!, StringComparer.OrdinalIgnoreCase);
        Assert.True(libraries["LibTorchSharp.dll"].Imports["torch_cpu.dll"].Count > 1000);
        Assert.Empty(Missing(libraries));
        // The check finds a missing export.
        var c10 = libraries["c10.dll"];
        var taken = libraries["LibTorchSharp.dll"].Imports["c10.dll"][0];
        libraries["c10.dll"] = c10 with { Exports = c10.Exports.Where(name => name != taken).ToHashSet() };
        Assert.Contains($"LibTorchSharp.dll: {taken} of c10.dll", Missing(libraries));
    }

    private static IEnumerable<string> Missing(Dictionary<string, PeFile> libraries) =>
        from library in libraries
        from source in library.Value.Imports
        where libraries.ContainsKey(source.Key)
        from name in source.Value
        where !libraries[source.Key].Exports.Contains(name)
        select $"{library.Key}: {name} of {source.Key}";

    [Fact]
    public void The_command_line_plans_trains_resumes_predicts_and_exports_under_Wine()
    {
        Lane.NeedFull("trains under Wine");
        var said = published.UnderWine(Repository.File(".ci/smoke"), [PublishedForWindows.Wine!, published.Program]);
        Assert.Contains("the weights are bit-identical", said, StringComparison.Ordinal);
        Assert.Contains("all of it works", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Plans_and_λ_under_Wine_equal_those_on_Linux()
    {
        Lane.NeedFull("trains under Wine");
        string[] plan = ["plan", "--method", "mixup:0.3-or-cutmix:0.7", "--draws", "50", "--seed", "7"];
        Assert.Equal(CommandLine.RunProcess(plan).Output, published.UnderWine(PublishedForWindows.Wine!, [published.Program, .. plan]).ReplaceLineEndings("\n"));
        using var files = new PictureSet();
        string[] train = ["train", "--method", "mixup:0.3-or-cutmix:0.7", "--per-class", "10", "--epochs", "1", "--threads", "1",
            "--precision", "float32", "--quiet"];      // settings that each system would choose for itself
        Assert.Equal(0, CommandLine.RunProcess([.. train, "--out", files.At("linux")]).ExitCode);
        published.UnderWine(PublishedForWindows.Wine!, [published.Program, .. train, "--out", files.At("windows")]);
        JsonNode Of(string run, string file) => JsonNode.Parse(File.ReadAllText(files.At($"{run}/{file}")))!;
        var (linux, windows) = (Of("linux", "result.json"), Of("windows", "result.json"));
        Assert.True(JsonNode.DeepEquals(linux["lambdas"], windows["lambdas"]));
        // The systems have different math libraries, so the last bits differ.
        Assert.Equal((double)linux["last"]!["loss"]!, (double)windows["last"]!["loss"]!, 0.05);
        Assert.Equal(File.ReadAllText(files.At("linux/recipe.json")), File.ReadAllText(files.At("windows/recipe.json")));
        Assert.True(JsonNode.DeepEquals(Of("linux", "data.json"), Of("windows", "data.json")));
    }
}

/// <summary>The command line, published for Windows once for all tests, and Wine to run it.</summary>
public sealed class PublishedForWindows : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-windows-").FullName;
    private readonly Lazy<string> published;

    public PublishedForWindows() => published = new(() =>
    {
        var output = Path.Combine(folder, "published");
        PackedProjects.Dotnet(Repository.Root, "publish", Repository.File("src/Patchwork.Cli"), "-c", "Release", "-r", "win-x64",
            "--self-contained", "-o", output, $"-p:ArtifactsPath={folder}/artifacts",
            "-p:CreateHardLinksForCopyLocalIfPossible=true", "-p:CreateHardLinksForPublishFilesIfPossible=true");
        return output;
    });

    public string Folder => published.Value;

    public string Program => Path.Combine(Folder, "Patchwork.Cli.exe");

    /// <summary>The path of Wine; null if it is not installed.</summary>
    public static string? Wine { get; } = new[] { "/usr/lib/wine/wine64", "/usr/bin/wine64" }.FirstOrDefault(File.Exists);

    /// <summary>Runs a program that may start others under Wine; it must succeed. Skips the test if Wine is not installed.</summary>
    public string UnderWine(string program, string[] arguments)
    {
        Assert.SkipWhen(Wine is null, "Wine (Debian's wine64) is not installed.");
        var prefix = Path.Combine(folder, "wine");
        if (!Directory.Exists(prefix))
            Run(Wine!, ["winecfg", "-v", "win10"], prefix);
        return Run(program, arguments, prefix);
    }

    private static string Run(string program, string[] arguments, string prefix) => PackedProjects.Run("", new()
    {
        ["WINEPREFIX"] = prefix,
        ["WINEDEBUG"] = "-all",
        ["WINEDLLOVERRIDES"] = "mshtml=",               // no prompt to install a browser
        ["KMP_TOPOLOGY_METHOD"] = "flat",               // Wine lacks a function for memory nodes
        ["DOTNET_EnableWriteXorExecute"] = "0",
    }, program, arguments);

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
