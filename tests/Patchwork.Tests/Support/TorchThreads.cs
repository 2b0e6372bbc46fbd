using System.Runtime.CompilerServices;
using TorchSharp;

namespace Patchwork.Tests.Support;

/// <summary>One torch thread for all tests: their networks are small, and tests run beside each other as it is.</summary>
internal static class TorchThreads
{
#pragma warning disable CA2255 // For the whole test process, before any test.
    [ModuleInitializer]
    internal static void UseOne() => torch.set_num_threads(1);
#pragma warning restore CA2255
}
