using System.Diagnostics;
using System.Text.Json.Nodes;
using Patchwork.Internals;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Runs;

public sealed class RunLockTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-lock-").FullName;

    private string LockPath => Path.Combine(folder, "lock.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Leave(string host, int process, string start) => File.WriteAllText(LockPath, new JsonObject
    {
        ["host"] = host,
        ["process"] = process,
        ["start"] = start,
        ["since"] = "2026-01-01 00:00:00",
    }.ToJsonString());

    private string Refused() => Assert.Throws<InputException>(() => RunLock.Take(folder).Dispose()).Message;

    // A process that lives as long as the test.
    private static Process Sleeper() => Process.Start(new ProcessStartInfo("sleep", ["60"]))!;

    [Fact]
    public void A_folder_has_one_owner_and_none_when_the_owner_is_done()
    {
        using (RunLock.Take(folder))
        {
            var owner = JsonNode.Parse(File.ReadAllText(LockPath))!;
            Assert.Equal((Environment.MachineName, Environment.ProcessId), ((string)owner["host"]!, (int)owner["process"]!));
            Assert.Contains("in use", Refused(), StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFiles(folder));
        RunLock.Take(folder).Dispose();
    }

    [Fact]
    public void A_living_process_of_this_machine_is_respected_and_its_lock_cannot_be_broken()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no sleep.");
        using var other = Sleeper();
        try
        {
            Leave(Environment.MachineName, other.Id, RunningProcess.StartOf(other.Id)!);
            Assert.Contains($"process {other.Id} on {Environment.MachineName}", Refused(), StringComparison.Ordinal);
            Assert.Throws<InputException>(() => RunFolder.BreakLock(folder));
            Assert.True(File.Exists(LockPath));
        }
        finally
        {
            other.Kill();
            other.WaitForExit();
        }
        RunLock.Take(folder).Dispose();      // dead by now: taken over
    }

    [Fact]
    public void A_process_id_that_is_used_again_is_another_process()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no sleep.");
        using var other = Sleeper();
        Leave(Environment.MachineName, other.Id, "1");
        RunLock.Take(folder).Dispose();
        // The first process of a container has the same id whenever it is started.
        Leave(Environment.MachineName, Environment.ProcessId, "1");
        RunLock.Take(folder).Dispose();
        other.Kill();
    }

    [Fact]
    public void A_lock_of_another_machine_is_never_taken_over_silently()
    {
        Leave("another-machine", 12, "1");
        Assert.Contains("`BreakLock`", Refused(), StringComparison.Ordinal);
        RunFolder.BreakLock(folder);
        RunLock.Take(folder).Dispose();
        RunFolder.BreakLock(folder);      // nothing to break
    }

    [Theory, InlineData(""), InlineData("{"), InlineData("[]"), InlineData("{\"host\": 3}")]
    public void A_lock_that_was_cut_off_is_of_a_dead_process(string text)
    {
        File.WriteAllText(LockPath, text);
        RunLock.Take(folder).Dispose();
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void Of_many_threads_that_find_a_dead_lock_one_gets_it()
    {
        for (var round = 0; round < Lane.Count(20, 5); round++)
        {
            Leave(Environment.MachineName, 0, "");
            var (taken, refused) = (0, 0);
            using var start = new Barrier(8);
            Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
            {
                start.SignalAndWait(TimeSpan.FromSeconds(1));
                try
                {
                    using var owned = RunLock.Take(folder);
                    Assert.Equal(1, Interlocked.Increment(ref taken));
                    Thread.Sleep(1);
                    Interlocked.Decrement(ref taken);
                }
                catch (InputException)
                {
                    Interlocked.Increment(ref refused);
                }
            });
            Assert.Equal(0, taken);
        }
    }
}
