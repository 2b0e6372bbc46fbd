using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>
/// A real file system of a few kilobytes that can get full. It is mounted in a separate namespace, which requires no more rights than a
/// user namespace grants, and disappears when the script that uses it ends.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    // Available to scripts: $disk; patch NAME ARGUMENT... runs the command line and stores its output; room SIZE makes the disk larger.
    private const string Prelude = """
        set -u
        mount -t tmpfs -o size="$size" none "$disk" || exit 99
        patch() { name=$1; shift; "$host" exec "$program" "$@" >"$said/$name.out" 2>"$said/$name.err"; echo $? >"$said/$name.code"; }
        room() { mount -o "remount,size=$1" "$disk"; }

        """;

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-disk-").FullName;

    /// <summary>The mount point for scripts; outside the script this is an empty folder.</summary>
    public string Disk => At("disk");

    /// <summary>A path outside the disk, for files that must outlive the script.</summary>
    public string At(string name) => Path.Combine(folder, name);

    /// <summary>
    /// Runs a bash script with a disk of <paramref name="size"/> (such as 64k). Skips the test if nothing can be mounted.
    /// </summary>
    public void Run(string size, string script, params (string Name, string Value)[] environment)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Mounts by Linux name spaces.");
        Directory.CreateDirectory(Disk);
        var start = new ProcessStartInfo("unshare") { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["--user", "--map-root-user", "--mount", "bash", "-c", Prelude + script])
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in ((string, string)[])[("disk", Disk), ("said", folder), ("size", size), ("host", CommandLine.Host),
            ("program", CommandLine.Program),
            .. environment])
            start.Environment[name] = value;
        start.Environment.Remove("TERM");
        Process? process = null;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("There is no unshare here.");
        }
        using (process)
        {
            var result = CommandLine.Finish(process!);
            Assert.SkipWhen(result.ExitCode == 99 || result.Error.StartsWith("unshare:", StringComparison.Ordinal),
                $"File systems cannot be mounted here: {result.Error}");
            Assert.True(result.ExitCode == 0, result.Error);
        }
    }

    /// <summary>The result of <c>patch NAME</c>.</summary>
    public CommandResult Said(string name) =>
        new(int.Parse(File.ReadAllText(At(name + ".code")), CultureInfo.InvariantCulture), File.ReadAllText(At(name + ".out")),
            File.ReadAllText(At(name + ".err")));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(folder, recursive: true);
}
