using System.Globalization;

namespace Patchwork.Distributed;

/// <summary>
/// The launcher that started this process: <c>mpirun</c> of Open MPI, <c>mpiexec</c> of MPICH and compatible MPIs, or Slurm's <c>srun</c>.
/// Each sets environment variables that say how many processes it started and which of them this is.
/// </summary>
public sealed class Launcher
{
    // Open MPI's mpirun; the PMI variables of MPICH's hydra, Intel MPI, MVAPICH, MS-MPI and srun --mpi=pmi2; Slurm's own variables, because
    // srun --mpi=pmix sets only the rank.
    private static readonly (string Size, string Rank, string Name, MpiKind Kind)[] Known =
    [
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's launcher", MpiKind.OpenMpi),
        ("PMI_SIZE", "PMI_RANK", "an MPICH-compatible launcher", MpiKind.Mpich),
        ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "Slurm's srun", MpiKind.OpenMpi),
    ];

    private Launcher(string name, int size, int rank, MpiKind kind) => (Name, Size, Rank, Kind) = (name, size, rank, kind);

    /// <summary>A readable name, for messages.</summary>
    public string Name { get; }

    /// <summary>Number of processes that it started.</summary>
    public int Size { get; }

    /// <summary>The number of this process among them, from 0.</summary>
    public int Rank { get; }

    /// <summary>The MPI that it most likely belongs to, which is tried first.</summary>
    internal MpiKind Kind { get; }

    /// <summary>Detects the launcher that started this process together with others; null if there is none.</summary>
    public static Launcher? Detect() => Detect(Environment.GetEnvironmentVariable);

    internal static Launcher? Detect(Func<string, string?> environment)
    {
        foreach (var (size, rank, name, kind) in Known)
        {
            // A Slurm job script, and a launcher with a single process, start the program like any other.
            if (Number(environment(size)) is > 1 and var count && Number(environment(rank)) is { } own && own < count)
                return new Launcher(name, count, own, kind);
        }
        return null;
    }

    /// <summary>
    /// Joins the ranks that a launcher started, including this process; returns a <see cref="SingleProcess"/> if there is no launcher.
    /// Dispose of it at the end of the program, on every rank.
    /// </summary>
    /// <exception cref="InputException">
    /// There is a launcher but no MPI library, or the library belongs to a different MPI than the launcher.
    /// </exception>
    public static ICollective Join() => Detect() is { } launcher ? MpiCollective.Of(launcher) : new SingleProcess();

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>The two families of MPI, which differ in the type of their handles.</summary>
internal enum MpiKind
{
    /// <summary>Open MPI: a handle is the address of a symbol that the library exports.</summary>
    OpenMpi,

    /// <summary>MPICH, Intel MPI, MVAPICH, MS-MPI: a handle is a 32-bit number.</summary>
    Mpich,
}
