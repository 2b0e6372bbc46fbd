using System.Runtime.InteropServices;
using Xunit;

namespace Patchwork.Tests;

public sealed class NativeLibrariesTests
{
    [Fact]
    public void The_cpu_is_always_there() => Assert.Equal("cpu", NativeLibraries.Device("cpu").ToString());

    [Fact]
    public void A_build_without_cuda_refuses_cuda_and_says_what_to_do()
    {
        if (TorchSharp.torch.cuda.is_available())
        {
            Assert.Skip("this machine has a CUDA GPU and a libtorch for it");
        }
        var refused = Assert.Throws<InputException>(() => NativeLibraries.Device("cuda"));
        Assert.Contains("`Device` cpu", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("cuda:-1")]
    [InlineData("cuda:x")]
    public void An_unknown_device_is_refused(string name) => Assert.Throws<InputException>(() => NativeLibraries.Device(name));

    [Fact]
    public void A_folder_without_libtorch_is_named()
    {
        List<string> folders = [Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")];
        var refused = Assert.Throws<InputException>(() => NativeLibraries.Load("/nowhere", folders));
        Assert.Contains("'/nowhere'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_libstdcxx_is_named_as_the_cause() =>
        Assert.Contains("libstdc++", NativeLibraries.Explain("libLibTorchSharp.so", "version `GLIBCXX_3.4.32' not found"),
            StringComparison.Ordinal);

    [Theory, InlineData("0x8007007E"), InlineData("0x8007007f")]
    public void A_runtime_library_that_Windows_lacks_is_named_as_the_cause(string code) =>
        Assert.Contains("Visual C++", NativeLibraries.Explain("LibTorchSharp.dll",
            $"Unable to load DLL 'LibTorchSharp.dll' or one of its dependencies ({code})"), StringComparison.Ordinal);

    [Fact]
    public void Only_the_copies_of_a_failed_load_are_deleted()
    {
        string program = Directory.CreateTempSubdirectory("patchwork-").FullName;
        string shadow = Directory.CreateDirectory(Path.Combine(program, "cpu")).FullName;
        File.WriteAllText(Path.Combine(shadow, NativeLibraries.FileName("LibTorchSharp")), "");
        NativeLibraries.DeleteShadowCopy(program);
        Assert.True(Directory.Exists(shadow));
        File.WriteAllText(Path.Combine(shadow, NativeLibraries.FileName("torch_cpu")), "");
        NativeLibraries.DeleteShadowCopy(program);
        Assert.False(Directory.Exists(shadow));
        Directory.Delete(program, recursive: true);
    }
}
