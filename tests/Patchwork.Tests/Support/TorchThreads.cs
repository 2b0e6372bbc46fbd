using System.Runtime.CompilerServices;
using TorchSharp;

namespace Patchwork.Tests.Support;

/// <summary>Sets one torch thread for all tests: their networks are small, and the tests run in parallel already.</summary>
internal static class TorchThreads
{
#pragma warning disable CA2255 // It applies to the whole test process, before any test.
    [ModuleInitializer]
    internal static void UseOne() => torch.set_num_threads(1);
#pragma warning restore CA2255
}
