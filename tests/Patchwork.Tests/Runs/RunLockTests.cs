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
    public void A_folder_has_one_owner_and_none_after_the_lock_is_released()
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
    public void The_lock_of_a_running_process_on_this_machine_is_respected_and_cannot_be_broken()
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
        RunLock.Take(folder).Dispose();      // the process has ended, so its lock is taken over
    }

    [Fact]
    public void A_reused_process_id_is_recognized_as_another_process()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no sleep.");
        using var other = Sleeper();
        Leave(Environment.MachineName, other.Id, "1");
        RunLock.Take(folder).Dispose();
        // The first process of a container always has the same id.
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
        RunFolder.BreakLock(folder);      // there is no lock to break
    }

    [Theory, InlineData(""), InlineData("{"), InlineData("[]"), InlineData("{\"host\": 3}")]
    public void A_damaged_lock_is_taken_over(string text)
    {
        File.WriteAllText(LockPath, text);
        RunLock.Take(folder).Dispose();
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void A_stale_lock_is_held_by_one_thread_at_a_time()
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
            Assert.InRange(refused, 0, 7);      // somebody gets a lock whose owner is gone
        }
    }
}
