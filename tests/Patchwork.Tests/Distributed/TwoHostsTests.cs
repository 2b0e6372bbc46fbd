using System.Globalization;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>Tests a run on two hosts with separate addresses and TCP between them whose connection is cut.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class TwoHostsTests
{
    [Fact]
    public void A_broken_link_ends_both_hosts_within_seconds_and_the_run_resumes_bit_for_bit()
    {
        Lane.NeedFull("trains on two hosts, three times");
        Mpi.Need(Mpi.Open);
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/sbin/ip") && Environment.IsPrivilegedProcess,
            "Network namespaces need iproute2 and root.");
        var folder = Directory.CreateTempSubdirectory("patchwork-hosts-").FullName;
        var script = Repository.File("tests/Patchwork.Tests/Distributed/two-hosts.sh");
        using var process = Mpi.Start(Mpi.Open, script, [folder, CommandLine.Host, "exec", CommandLine.Program, "train",
            "--per-class", "20", "--epochs", "8", "--batch-size", "20", "--threads", "1", "--quiet", "--checkpoint-every", "1"]);
        var result = CommandLine.Finish(process);
        Assert.SkipWhen(result.ExitCode == 99, $"Network namespaces cannot be made here: {result.Error}");
        Assert.True(result.ExitCode == 0, result.Output + result.Error);
        Assert.Contains("the same weights", result.Output, StringComparison.Ordinal);
        var ended = result.Output.Split('\n').Single(line => line.StartsWith("ended after", StringComparison.Ordinal));
        Assert.InRange(int.Parse(ended.Split(' ')[2], CultureInfo.InvariantCulture), 0, 30);
        Assert.Contains("ORTE has lost communication with a remote daemon", File.ReadAllText(Path.Combine(folder, "pulled.err")),
            StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }
}
