using System.Diagnostics;
using System.Security.Cryptography;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Packaging;

/// <summary>Packs the library, references the package from a new project, runs it: what a user does.</summary>
public sealed class PackageTests
{
    // The library and what it needs of ours.
    private static readonly string[] Projects = ["Patchwork.Imaging", "Patchwork"];

    [Fact]
    public void A_project_that_references_the_package_runs_and_the_cache_stays_as_it_was()
    {
        Lane.NeedFull("packs, builds and publishes");
        string root = Root();
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string torchSharp = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3);
        string native = Path.Combine(packages, "torchsharp", torchSharp, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        if (!File.Exists(native))
        {
            Assert.Skip("TorchSharp is not in the NuGet cache");
        }
        string version = $"0.1.0-test.{Environment.ProcessId}";
        string work = Directory.CreateTempSubdirectory("patchwork-package-").FullName;
        byte[] before = SHA256.HashData(File.ReadAllBytes(native));
        try
        {
            foreach (string project in Projects)
            {
                Dotnet(root, "pack", Path.Combine(root, "src", project), "-c", "Release", "-o", Path.Combine(work, "feed"),
                    $"-p:Version={version}",
                    $"-p:BaseOutputPath={work}/bin/", $"-p:IntermediateOutputPath={work}/obj/");
            }
            File.WriteAllText(Path.Combine(work, "User.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>
                    <OutputType>Exe</OutputType>
                    <TargetFramework>net10.0</TargetFramework>
                    <EnableDefaultCompileItems>false</EnableDefaultCompileItems>
                    <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
                    <CreateHardLinksForPublishFilesIfPossible>true</CreateHardLinksForPublishFilesIfPossible>
                    <RestoreAdditionalProjectSources>{work}/feed</RestoreAdditionalProjectSources>
                  </PropertyGroup>
                  <ItemGroup>
                    <Compile Include="Program.cs" />
                    <PackageReference Include="Patchwork" Version="{version}" />
                    <PackageReference Include="SharpZipLib" Version="1.4.2" />
                    <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
                  </ItemGroup>
                </Project>
                """);
            File.WriteAllText(Path.Combine(work, "Program.cs"), "System.Console.WriteLine(TorchSharp.torch.ones(3).sum().item<float>());");
            Dotnet(work, "build", "-c", "Release");
            string output = Dotnet(work, Path.Combine(work, "bin", "Release", "net10.0", "User.dll"));
            Assert.Equal("3", output.Trim());
            Dotnet(work, "publish", "-c", "Release", "--no-build", "-o", Path.Combine(work, "published"));
            Assert.Equal("3", Dotnet(work, Path.Combine(work, "published", "User.dll")).Trim());
            Assert.Equal(before, SHA256.HashData(File.ReadAllBytes(native)));
        }
        finally
        {
            Directory.Delete(work, recursive: true);
            foreach (string project in Projects)
            {
                string cached = Path.Combine(packages, project.ToLowerInvariant(), version);
                if (Directory.Exists(cached))
                {
                    Directory.Delete(cached, recursive: true);
                }
            }
        }
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Patchwork.slnx")))
            {
                return folder.FullName;
            }
        }
        Assert.Skip("the sources are not here");
        return "";
    }

    private static string Dotnet(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        start.Environment.Remove("MSBuildSDKsPath");
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: {output}{errors.Result}");
        return output;
    }
}
