using System.Runtime.InteropServices;

namespace Patchwork.Distributed;

/// <summary>
/// An MPI library that is loaded at run time: its functions and its handles. There is no header to compile against, so the two tables of
/// handles are here: Open MPI's are addresses of exported symbols (the same in versions 4 and 5), MPICH's are the numbers in its
/// <c>mpi.h</c>, which Intel MPI, MVAPICH and MS-MPI share.
/// </summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>The environment variable that names the library's file, if it is in an unusual place.</summary>
    public const string FileVariable = "PATCHWORK_MPI";

    private const int Now = 2, Global = 0x100;      // RTLD_NOW, RTLD_GLOBAL: Open MPI's plugins look for its symbols in the global scope

    private static readonly string[] OpenMpiFiles = ["libmpi.so.40", "libmpi.40.dylib"];
    private static readonly string[] MpichFiles = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib", "msmpi.dll"];

    private readonly nint handle;

    private MpiLibrary(nint handle, string file)
    {
        this.handle = handle;
        if (NativeLibrary.TryGetExport(handle, "ompi_mpi_comm_world", out var world))
        {
            Kind = MpiKind.OpenMpi;
            (World, InPlace, StatusIgnore) = (world, 1, 0);
            (Float, Double, Byte, Int, SumOperation) = (Function("ompi_mpi_float"), Function("ompi_mpi_double"), Function("ompi_mpi_byte"),
                Function("ompi_mpi_int"), Function("ompi_mpi_op_sum"));
        }
        else
        {
            Kind = MpiKind.Mpich;
            (World, InPlace, StatusIgnore) = (0x44000000, -1, 1);
            (Float, Double, Byte, Int, SumOperation) = (0x4c00040a, 0x4c00080b, 0x4c00010d, 0x4c000405, 0x58000003);
        }
        File = file;
    }

    /// <summary>The file that it was loaded from.</summary>
    public string File { get; }

    /// <summary>The family of MPI whose handles it uses.</summary>
    public MpiKind Kind { get; }

    /// <summary>MPI_COMM_WORLD.</summary>
    public nint World { get; }

    /// <summary>MPI_IN_PLACE.</summary>
    public nint InPlace { get; }

    /// <summary>MPI_STATUS_IGNORE.</summary>
    public nint StatusIgnore { get; }

    /// <summary>MPI_FLOAT.</summary>
    public nint Float { get; }

    /// <summary>MPI_DOUBLE.</summary>
    public nint Double { get; }

    /// <summary>MPI_BYTE.</summary>
    public nint Byte { get; }

    /// <summary>MPI_INT.</summary>
    public nint Int { get; }

    /// <summary>MPI_SUM.</summary>
    public nint SumOperation { get; }

    /// <summary>The address of a function or a symbol.</summary>
    public nint Function(string name) => NativeLibrary.GetExport(handle, name);

    /// <summary>
    /// Finds the library that belongs to a launcher, or failing that one of the other family, which will then report that it was started
    /// alone.
    /// </summary>
    /// <exception cref="InputException">No library is installed, or the one named by the environment variable cannot be loaded.</exception>
    public static MpiLibrary Load(Launcher launcher)
    {
        // UCX, which MPICH builds on, handles SIGSEGV itself, but .NET needs that signal to detect null references. UCX reads these
        // variables when it is loaded, and would warn about variables that its parts do not read.
        SetVariable("UCX_ERROR_SIGNALS", "");
        SetVariable("UCX_WARN_UNUSED_ENV_VARS", "n");
        if (Environment.GetEnvironmentVariable(FileVariable) is { Length: > 0 } named)
            return Open(named) is not 0 and var given ? new MpiLibrary(given, named)
                : throw new InputException($"{FileVariable} must name the file of an MPI library. Received: {named}, which could not be "
                    + "loaded.");
        string[] files = launcher.Kind == MpiKind.OpenMpi ? [.. OpenMpiFiles, .. MpichFiles] : [.. MpichFiles, .. OpenMpiFiles];
        foreach (var file in files)
        {
            if (Open(file) is not 0 and var found)
                return new MpiLibrary(found, file);
        }
        throw new InputException($"{launcher.Name} started {launcher.Size} processes, but there is no MPI library here to connect them. "
            + $"Install the launcher's own (Debian: openmpi-bin or mpich), or set {FileVariable} to its file.");
    }

    /// <summary>
    /// Sets an environment variable for native code: variables set through .NET are visible only to .NET. An existing value is kept.
    /// </summary>
    private static void SetVariable(string name, string value)
    {
        if (!OperatingSystem.IsWindows() && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "setenv", out var entry))
        {
            var (key, text) = (Marshal.StringToCoTaskMemUTF8(name), Marshal.StringToCoTaskMemUTF8(value));
            _ = ((delegate* unmanaged<nint, nint, int, int>)entry)(key, text, 0);
            Marshal.FreeCoTaskMem(key);
            Marshal.FreeCoTaskMem(text);
        }
    }

    private static nint Open(string file)
    {
        if (OperatingSystem.IsWindows())
            return NativeLibrary.TryLoad(file, out var loaded) ? loaded : 0;
        if (!NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "dlopen", out var dlopen))
            return 0;
        var name = Marshal.StringToCoTaskMemUTF8(file);
        try
        {
            return ((delegate* unmanaged<nint, int, nint>)dlopen)(name, Now | Global);
        }
        finally
        {
            Marshal.FreeCoTaskMem(name);
        }
    }
}
