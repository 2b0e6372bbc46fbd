using System.Runtime.InteropServices;
using Patchwork.Internals;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Internals;

[Collection(SerialCollection.Name)]
public sealed class OpenMpTests
{
    [Fact]
    public unsafe void Spinning_is_bounded_unless_the_environment_says_otherwise()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "GNU's OpenMP on Linux");
        NativeLibraries.Ensure();
        // The variable as native code sees it, which may differ from what `Environment` returns.
        var getenv = (delegate* unmanaged<byte*, byte*>)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), "getenv");
        string? Native(ReadOnlySpan<byte> name)
        {
            fixed (byte* text = name)
                return Marshal.PtrToStringUTF8((nint)getenv(text));
        }
        var users = Environment.GetEnvironmentVariable("GOMP_SPINCOUNT");
        var policy = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY");
        Assert.Equal(users ?? (policy is null ? "4000" : null), Native("GOMP_SPINCOUNT\0"u8));
    }

    [Fact]
    public void A_thread_count_applies_only_within_its_scope_and_thread()
    {
        Assert.Equal(1, torch.get_num_threads());      // the setting of all tests
        var other = 0;
        using (OpenMp.On(3))
        {
            Assert.Equal(3, torch.get_num_threads());
            var thread = new Thread(() => other = torch.get_num_threads());
            thread.Start();
            thread.Join();
        }
        Assert.Equal(1, torch.get_num_threads());
        Assert.NotEqual(3, other);
    }
}
