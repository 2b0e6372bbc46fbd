using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests;

[Collection(SerialCollection.Name)]
public sealed class NativeHeapTests
{
    [Theory, InlineData("GLIBC_TUNABLES"), InlineData("MALLOC_TOP_PAD_")]
    public void Settings_of_the_environment_stay(string variable)
    {
        Environment.SetEnvironmentVariable(variable, "1");
        try
        {
            Assert.False(NativeHeap.KeepFreed());
        }
        finally
        {
            Environment.SetEnvironmentVariable(variable, null);
        }
    }

    [Fact]
    public void It_takes_effect_on_glibc_and_says_so() =>
        Assert.Equal(File.Exists("/lib64/ld-linux-x86-64.so.2"), NativeHeap.KeepFreed());
}
