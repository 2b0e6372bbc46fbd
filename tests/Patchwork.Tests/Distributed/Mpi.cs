using System.Diagnostics;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>
/// Starts the installed MPI launchers with the settings that Debian's versions need in a container: permission to run as root and more
/// ranks than cores.
/// </summary>
internal static class Mpi
{
    /// <summary>Debian's names of the launchers of Open MPI and MPICH.</summary>
    public const string Open = "mpirun.openmpi", Mpich = "mpirun.mpich";

    private static readonly Dictionary<string, string> Environment = new()
    {
        ["OMPI_ALLOW_RUN_AS_ROOT"] = "1",
        ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1",
        ["OMPI_MCA_rmaps_base_oversubscribe"] = "1",
        ["OMPI_MCA_hwloc_base_binding_policy"] = "none",
        ["OMPI_MCA_plm_rsh_agent"] = "/bin/false",      // one host needs no ssh
    };

    /// <summary>Skips the test if a launcher is not installed.</summary>
    public static void Need(string launcher) => Assert.SkipUnless(File.Exists($"/usr/bin/{launcher}"),
        $"{launcher} (Debian's openmpi-bin or mpich) is not installed.");

    /// <summary>Starts the command-line tool on the given number of ranks.</summary>
    public static Process Start(string launcher, int ranks, string[] arguments, params (string Name, string Value)[] environment) =>
        Start(launcher, ["-n", $"{ranks}", CommandLine.Host, "exec", CommandLine.Program, .. arguments], environment);

    /// <summary>Runs the command-line tool on the given number of ranks and waits until it ends.</summary>
    public static CommandResult Run(string launcher, int ranks, string[] arguments, params (string Name, string Value)[] environment)
    {
        using var process = Start(launcher, ranks, arguments, environment);
        return CommandLine.Finish(process);
    }

    /// <summary>Starts a launcher with the given arguments.</summary>
    public static Process Start(string launcher, string[] arguments, params (string Name, string Value)[] environment) =>
        Start(launcher, launcher, arguments, environment);

    /// <summary>Starts a script that uses a launcher.</summary>
    public static Process Start(string launcher, string script, string[] arguments, params (string Name, string Value)[] environment)
    {
        Need(launcher);
        var start = new ProcessStartInfo(script, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Remove("TERM");
        foreach (var (name, value) in Environment.Select(one => (one.Key, one.Value)).Concat(environment))
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>The environment variables of all launches as export lines for bash.</summary>
    public static string Exports => string.Join('\n', Environment.Select(one => $"export {one.Key}={one.Value}"));

    /// <summary>The lines of the error output that Patchwork wrote, without those of the launcher.</summary>
    public static string[] Said(string error) =>
        [.. error.Split('\n').Where(line => line.StartsWith("patchwork: ", StringComparison.Ordinal))];
}
