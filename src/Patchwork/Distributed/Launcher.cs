using System.Globalization;

namespace Patchwork.Distributed;

/// <summary>
/// What started this process: <c>mpirun</c> of Open MPI, <c>mpiexec</c> of MPICH and those of its kind, or Slurm's <c>srun</c>. Each says
/// in the environment how many processes it started and which of them this is.
/// </summary>
public sealed class Launcher
{
    // Open MPI's mpirun; the PMI of MPICH's hydra, Intel MPI, MVAPICH, MS-MPI and srun --mpi=pmi2; srun --mpi=pmix has the rank alone.
    private static readonly (string Size, string Rank, string Name, MpiKind Kind)[] Known =
    [
        ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's launcher", MpiKind.OpenMpi),
        ("PMI_SIZE", "PMI_RANK", "a launcher of MPICH's kind", MpiKind.Mpich),
        ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "Slurm's srun", MpiKind.OpenMpi),
    ];

    private Launcher(string name, int size, int rank, MpiKind kind) => (Name, Size, Rank, Kind) = (name, size, rank, kind);

    /// <summary>What it is, in words.</summary>
    public string Name { get; }

    /// <summary>How many processes it started.</summary>
    public int Size { get; }

    /// <summary>Which of them this is, from 0.</summary>
    public int Rank { get; }

    /// <summary>The MPI that it most likely belongs to, which is looked for first.</summary>
    internal MpiKind Kind { get; }

    /// <summary>The launcher of several processes that this one belongs to; null where there is none.</summary>
    public static Launcher? Detect() => Detect(Environment.GetEnvironmentVariable);

    internal static Launcher? Detect(Func<string, string?> environment)
    {
        foreach (var (size, rank, name, kind) in Known)
        {
            // A job script of Slurm itself, and a launcher of one process, start a program as anyone else does.
            if (Number(environment(size)) is > 1 and var count && Number(environment(rank)) is { } own && own < count)
                return new Launcher(name, count, own, kind);
        }
        return null;
    }

    /// <summary>
    /// The ranks that a launcher started, this process among them; a <see cref="SingleProcess"/> where there is no launcher. Dispose of it
    /// at the end of the program, on every rank.
    /// </summary>
    /// <exception cref="InputException">
    /// There is a launcher and no MPI library, or the library belongs to another MPI than the launcher.
    /// </exception>
    public static ICollective Join() => Detect() is { } launcher ? MpiCollective.Of(launcher) : new SingleProcess();

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}

/// <summary>The two families of MPI, which differ in what their handles are.</summary>
internal enum MpiKind
{
    /// <summary>Open MPI: a handle is the address of a symbol that the library exports.</summary>
    OpenMpi,

    /// <summary>MPICH, Intel MPI, MVAPICH, MS-MPI: a handle is a number of 32 bits.</summary>
    Mpich,
}
