using System.Runtime.InteropServices;

namespace Patchwork.Internals;

/// <summary>Functions of native libraries that are looked up by name, because not every build has them.</summary>
internal static class NativeFunctions
{
    /// <summary>
    /// The address of a function of the libtorch that TorchSharp loaded, or of a library that it links to; 0 if there is none. libtorch
    /// must be loaded.
    /// </summary>
    public static nint OfTorch(string name) =>
        NativeLibrary.TryLoad("LibTorchSharp", typeof(TorchSharp.torch).Assembly, null, out var library) ? Find(library, name) : 0;

    /// <summary>
    /// The address of a function of the OpenMP library that torch computes with; 0 if there is none. libtorch must be loaded.
    /// </summary>
    public static nint OfOpenMp(string name) => OfTorch(name) is not 0 and var function ? function
        : NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "libiomp5md" : "libomp", typeof(TorchSharp.torch).Assembly, null,
            out var library) ? Find(library, name) : 0;

    /// <summary>The address of a function of glibc; 0 on systems without it.</summary>
    public static nint OfGlibc(string name) =>
        OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out var library) ? Find(library, name) : 0;

    private static nint Find(nint library, string name) => NativeLibrary.TryGetExport(library, name, out var function) ? function : 0;
}
