using System.Diagnostics;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Packaging;

/// <summary>
/// The packages under test: either the projects, packed once per test run under a unique version, or those in the folder that
/// <c>PATCHWORK_PACKAGES</c> names. New projects are created and built in a temporary folder.
/// </summary>
public sealed class PackedProjects : IDisposable
{
    private static readonly string[] Packed = ["src/Patchwork.Imaging", "src/Patchwork.Onnx", "src/Patchwork", "templates"];
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-packages-").FullName;
    private readonly Lazy<(string Feed, string Version)> packages;

    public PackedProjects() => packages = new(() => Environment.GetEnvironmentVariable("PATCHWORK_PACKAGES") is { } given
        ? (Path.GetFullPath(given), VersionIn(given)) : Pack());

    /// <summary>The folder of the packages.</summary>
    public string Feed => packages.Value.Feed;

    /// <summary>The version of the packages.</summary>
    public string Version => packages.Value.Version;

    /// <summary>The folder into which NuGet unpacks packages.</summary>
    public static string Cache { get; } = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>Creates a folder with a program and a project file, whose versions of Patchwork become the packed one.</summary>
    public string Project(string name, string project, string program)
    {
        var made = Empty(name);
        File.WriteAllText(Path.Combine(made, $"{name}.csproj"), project.Replace("\"0.2.0\"", $"\"{Version}\"", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(made, "Program.cs"), program);
        return made;
    }

    /// <summary>Creates a folder whose projects find the packages.</summary>
    public string Empty(string name)
    {
        var empty = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        File.WriteAllText(Path.Combine(empty, "Directory.Build.props"), $"""
            <Project>
              <PropertyGroup>
                <RestoreAdditionalProjectSources>{Feed}</RestoreAdditionalProjectSources>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
              </PropertyGroup>
            </Project>
            """);
        return empty;
    }

    /// <summary>Runs <c>dotnet</c>, which must succeed, and returns its output.</summary>
    public static string Dotnet(string folder, params string[] arguments) => Run(folder, "dotnet", arguments);

    /// <summary>Runs a program, which must succeed, and returns its output.</summary>
    public static string Run(string folder, string program, params string[] arguments) => Run(folder, [], program, arguments);

    /// <summary>Runs a program with additional environment variables; it must succeed. Returns its output.</summary>
    public static string Run(string folder, Dictionary<string, string> environment, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("MSBuildSDKsPath");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {output}{errors.Result}");
        return output;
    }

    private (string, string) Pack()
    {
        var (feed, version) = (Path.Combine(folder, "feed"), $"0.2.0-test.{Environment.ProcessId}");
        foreach (var project in Packed)
            Dotnet(Repository.Root, "pack", Path.Combine(Repository.Root, project), "-c", "Release", "-o", feed,
                $"-p:MinVerVersionOverride={version}", $"-p:VersionPrefix=0.2.0", $"-p:VersionSuffix=test.{Environment.ProcessId}",
                $"-p:ArtifactsPath={folder}/artifacts");      // a separate folder, so that other builds are not disturbed
        return (feed, version);
    }

    private static string VersionIn(string feed)
    {
        const string start = "Patchwork.Onnx.";
        return Directory.GetFiles(feed, $"{start}*.nupkg").Select(file => Path.GetFileNameWithoutExtension(file)[start.Length..]).Single();
    }

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        if (!packages.IsValueCreated)
            return;
        foreach (var unpacked in Directory.GetDirectories(Cache, "patchwork*").Select(one => Path.Combine(one, Version)).Where(Directory.Exists))
            Directory.Delete(unpacked, recursive: true);
    }
}
