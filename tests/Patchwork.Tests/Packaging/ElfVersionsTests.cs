using Patchwork.Build;
using Xunit;

namespace Patchwork.Tests.Packaging;

public sealed class ElfVersionsTests
{
    [Fact]
    public void The_built_file_differs_from_that_of_the_package_in_one_flag()
    {
        byte[] original = Original();
        byte[] built = File.ReadAllBytes(Built);
        int[] differing = [.. Enumerable.Range(0, original.Length).Where(i => original[i] != built[i])];
        Assert.Equal(original.Length, built.Length);
        int at = Assert.Single(differing);
        Assert.Equal(original[at] | 2, built[at]);
    }

    [Fact]
    public void Only_the_unused_version_becomes_weak_and_no_name_changes()
    {
        byte[] file = Original();
        List<string> before = ElfVersions.Describe(file);
        Assert.Equal(["GLIBCXX_3.4.32"], ElfVersions.WeakenUnused(file));
        Assert.Equal(before.Select(line => line == "libstdc++.so.6 GLIBCXX_3.4.32" ? line + " weak" : line), ElfVersions.Describe(file));
    }

    [Fact]
    public void A_converted_file_is_not_changed_again()
    {
        byte[] file = Original();
        ElfVersions.WeakenUnused(file);
        byte[] once = [.. file];
        Assert.Empty(ElfVersions.WeakenUnused(file));
        Assert.Equal(once, file);
    }

    [Fact]
    public void A_file_that_is_not_ELF_is_not_changed() => Assert.Empty(ElfVersions.WeakenUnused(new byte[200]));

    private static string Built => Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    private static byte[] Original()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Libraries of Linux alone ask for versions.");
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string version = typeof(TorchSharp.torch).Assembly.GetName().Version!.ToString(3);
        string path = Path.Combine(packages, "torchsharp", version, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        if (!File.Exists(path))
        {
            Assert.Skip($"the package TorchSharp {version} is not in the NuGet cache");
        }
        return File.ReadAllBytes(path);
    }
}
