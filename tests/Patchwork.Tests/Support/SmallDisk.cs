using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>
/// A file system of a few kilobytes, which really gets full. It is mounted in a name space of its own, where it needs no more rights than a
/// user name space gives, and is gone with the script that uses it.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    // What a script may use: $disk; patch NAME ARGUMENT... runs the command line and keeps what it said; room SIZE makes the disk larger.
    private const string Prelude = """
        set -u
        mount -t tmpfs -o size="$size" none "$disk" || exit 99
        patch() { name=$1; shift; "$host" exec "$program" "$@" >"$said/$name.out" 2>"$said/$name.err"; echo $? >"$said/$name.code"; }
        room() { mount -o "remount,size=$1" "$disk"; }

        """;

    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-disk-").FullName;

    /// <summary>Where it is mounted, for a script; outside the script this is an empty folder.</summary>
    public string Disk => At("disk");

    /// <summary>A path beside the disk, for what is to outlive the script.</summary>
    public string At(string name) => Path.Combine(folder, name);

    /// <summary>
    /// Runs a script of bash on a disk of <paramref name="size"/> (such as 64k). Skips the test where nothing can be mounted.
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

    /// <summary>What <c>patch NAME</c> said.</summary>
    public CommandResult Said(string name) =>
        new(int.Parse(File.ReadAllText(At(name + ".code")), CultureInfo.InvariantCulture), File.ReadAllText(At(name + ".out")),
            File.ReadAllText(At(name + ".err")));

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(folder, recursive: true);
}
