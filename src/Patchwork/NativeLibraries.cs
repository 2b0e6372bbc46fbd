using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Patchwork.Internals;
using TorchSharp;

namespace Patchwork;

/// <summary>
/// Loads the native libtorch, and says in one sentence what to do if it cannot be loaded. Nothing is loaded until TorchSharp is needed, so
/// a program that never touches a tensor starts fast.
/// </summary>
public static class NativeLibraries
{
    /// <summary>
    /// The environment variable that names the folder of an installed libtorch, which takes precedence over one next to the program.
    /// </summary>
    public const string FolderVariable = "PATCHWORK_LIBTORCH";

    private const string Guide = "see docs/guide/native-libraries.md";
    private static readonly Lock gate = new();
    private static bool loaded;

    /// <summary>The version of libtorch that TorchSharp was built for, for example <c>2.10.0</c>.</summary>
    public static string TorchVersion => torch.__version__;

    /// <summary>Loads the native libraries in the order of their dependencies, once; later calls return immediately. Thread-safe.</summary>
    /// <exception cref="InputException">They cannot be loaded; the message says why and what to do.</exception>
    public static void Ensure()
    {
        lock (gate)
        {
            if (loaded)
            {
                return;
            }
            OpenMp.BoundSpinning();
            Load(Environment.GetEnvironmentVariable(FolderVariable), SearchFolders());
            loaded = true;
        }
    }

    /// <summary>True for <c>cpu</c>, <c>cuda</c> and <c>cuda:N</c>, whether or not such a device exists.</summary>
    internal static bool IsDeviceName(string name) => name is "cpu" or "cuda"
        || (name.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(name["cuda:".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>Returns the torch device with a name: <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</summary>
    /// <exception cref="InputException">The name is none of these, libtorch was built without CUDA, or there is no such GPU.</exception>
    public static torch.Device Device(string name)
    {
        if (!IsDeviceName(name))
        {
            throw new InputException($"`Device` must be cpu, cuda or cuda:N. Received: '{name}'. Use `Device` cpu.");
        }
        Ensure();
        if (name == "cpu")
        {
            return torch.CPU;
        }
        int index = name == "cuda" ? 0 : int.Parse(name["cuda:".Length..], CultureInfo.InvariantCulture);
        int count = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        if (count == 0)
        {
            throw new InputException(
                $"`Device` is '{name}', but this build of libtorch {TorchVersion} sees no CUDA GPU: "
                + $"use `Device` cpu, or a CUDA libtorch ({Guide}).");
        }
        return index < count
            ? torch.device(DeviceType.CUDA, index)
            : throw new InputException($"`Device` is '{name}', but the number of GPUs is {count}: use cuda:0 to cuda:{count - 1}.");
    }

    // Runs before TorchSharp's own search, so that an installed libtorch is loaded in time, and costs nothing until then. The runtime
    // swallows exceptions of such a handler: a program that wants the one clear sentence calls Ensure() first.
#pragma warning disable CA2255 // A module initializer in a library: it only subscribes, and no call of ours would be early enough.
    [ModuleInitializer]
    internal static void WaitForTorchSharp()
    {
        if (AppDomain.CurrentDomain.GetAssemblies().Any(IsTorchSharp))
        {
            Ensure();
            return;
        }
        AppDomain.CurrentDomain.AssemblyLoad += (_, e) =>
        {
            if (IsTorchSharp(e.LoadedAssembly))
            {
                Ensure();
            }
        };
    }
#pragma warning restore CA2255

    internal static void Load(string? installed, IReadOnlyList<string> folders)
    {
        DeleteShadowCopy(AppContext.BaseDirectory);
        string? torchSharp = Find("LibTorchSharp", folders);
        if (torchSharp is null)
        {
            return; // an unusual host (a notebook, a single-file program): TorchSharp's own search handles it
        }
        if (!string.IsNullOrEmpty(installed))
        {
            LoadInstalled(installed);
        }
        else if (Find("torch_cpu", folders) is null)
        {
            throw new InputException(
                $"There is no libtorch next to the program: add the package {Package} to its project (to build Patchwork itself: "
                + $"build with -p:LibTorch=cpu), or set {FolderVariable} to the lib folder of an installed libtorch {ExpectedVersion} "
                + $"({Guide}).");
        }
        if (OperatingSystem.IsMacOS() && Find("omp", folders) is { } openMp)
        {
            LoadFile(openMp); // torch_cpu asks for Homebrew's copy; a library of that name that is already loaded should do
        }
        LoadFile(torchSharp);
    }

    internal static string FileName(string library) =>
        OperatingSystem.IsWindows() ? library + ".dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    // A failed search of TorchSharp leaves half a gigabyte of copies in cpu/ next to the program, which no later run needs.
    internal static void DeleteShadowCopy(string program)
    {
        string shadow = Path.Combine(program, "cpu");
        bool torchSharpMadeIt = File.Exists(Path.Combine(shadow, FileName("LibTorchSharp")))
            && File.Exists(Path.Combine(shadow, FileName("torch_cpu")));
        if (!torchSharpMadeIt)
        {
            return;
        }
        try
        {
            Directory.Delete(shadow, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // In use by another process or read-only: it only wastes space.
        }
    }

    private static string ExpectedVersion => "2.10";

    private static string Package => OperatingSystem.IsWindows() ? "libtorch-cpu-win-x64"
        : OperatingSystem.IsMacOS() ? "libtorch-cpu-osx-arm64" : "libtorch-cpu-linux-x64";

    private static void LoadInstalled(string folder)
    {
        if (!File.Exists(Path.Combine(folder, FileName("torch_cpu"))))
        {
            throw new InputException(
                $"{FolderVariable} is '{folder}', which contains no {FileName("torch_cpu")}: "
                + $"set it to the lib folder of an installed libtorch {ExpectedVersion}.");
        }
        // By full path and in the order of their dependencies, so that each library finds what it depends on already loaded.
        foreach (string library in (string[])["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"])
        {
            string path = Path.Combine(folder, FileName(library));
            if (File.Exists(path))
            {
                LoadFile(path);
            }
        }
    }

    private static void LoadFile(string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new InputException(Explain(path, e.Message), e);
        }
    }

    internal static string Explain(string path, string reason)
    {
        string name = Path.GetFileName(path);
        if (reason.Contains("GLIBCXX_", StringComparison.Ordinal))
        {
            return $"{name} needs a newer libstdc++ than this system has, and the build did not adapt it: "
                + "rebuild with the Patchwork package referenced "
                + $"and PatchworkFixTorchSharp not set to false, or use a system with GCC 13 or newer ({Guide}).";
        }
        // Windows: a module or one of its functions was not found.
        if (reason.Contains("0x8007007E", StringComparison.OrdinalIgnoreCase)
            || reason.Contains("0x8007007F", StringComparison.OrdinalIgnoreCase))
        {
            return $"{name} could not be loaded because something that it needs is missing or too old: install the Microsoft Visual C++ "
                + $"Redistributable 2015-2022 for x64, version 14.40 or newer ({Guide}).";
        }
        string what = reason.Split('\n', 2)[0].TrimEnd('.', ' ');
        return $"{name} could not be loaded ({what}): it needs libtorch {ExpectedVersion} for this system ({Guide}).";
    }

    private static string? Find(string library, IReadOnlyList<string> folders) =>
        folders.Select(folder => Path.Combine(folder, FileName(library))).FirstOrDefault(File.Exists);

    private static List<string> SearchFolders()
    {
        string listed = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        return [.. listed.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), AppContext.BaseDirectory];
    }

    private static bool IsTorchSharp(Assembly assembly) => assembly.GetName().Name == "TorchSharp";
}
