using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>A run that is killed, cancelled or damaged and then resumed equals an uninterrupted run bit for bit.</summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class ResumeTests(ResumeTests.Runs runs) : IClassFixture<ResumeTests.Runs>
{
    private PictureSet Files => runs.Files;

    private static string[] Begin(PictureSet files, string run) =>
        ["train", "--method", "cutmix", "--ema", "0.9", "--checkpoint-every", "1", .. files.Flags(run)];

    private string[] Begin(string run) => Begin(Files, run);

    private string[] Resume(string run) => ["train", "--resume", "--out", Files.At(run)];

    private string[] Next(string run) => Directory.Exists(Files.At(run)) ? Resume(run) : Begin(run);

    private byte[] Weights(string run, string file) => File.ReadAllBytes(Path.Combine(Files.At(run), "checkpoints", file));

    // The metrics without the numbers that depend on the clock.
    private string Metrics(string run) => Speed().Replace(File.ReadAllText(Path.Combine(Files.At(run), "metrics.jsonl")), "");

    [GeneratedRegex("\"(images_per_second|data_wait)\":[^,}]*,?")]
    private static partial Regex Speed();

    // Event: 2 step, 5 summary; summary: 1 value; value: 1 tag. Values that depend on the clock are omitted.
    private string[] Events(string run) =>
    [
        .. EventFileReader.Read(Directory.GetFiles(Files.At(run), "events.out.tfevents.*").Single()).Skip(1)
            .Where(added => added[2][1][1].Text is not ("images_per_second" or "data_wait"))
            .Select(added => $"{added[2][1][1].Text} {added[1].Integer} {Convert.ToHexString(added[2].Bytes)}"),
    ];

    private void Same(string run, string how)
    {
        foreach (var file in (string[])["last.safetensors", "last.callbacks", "best.safetensors"])
            Assert.True(Weights("alone", file).AsSpan().SequenceEqual(Weights(run, file)), $"{file} differs. {how}");
        Assert.True(Metrics("alone") == Metrics(run), $"metrics.jsonl differs. {how}\n{Metrics("alone")}\n{Metrics(run)}");
        Assert.Equal(Events("alone"), Events(run));
    }

    [Fact]
    public void Kills_at_random_moments_leave_no_trace()
    {
        var toKill = Lane.Count(full: 20, shortened: 2);
        var whole = runs.ProcessTime.TotalMilliseconds;
        var draws = new SeedStream(20).Open("test");
        List<string> moments = [];
        var (run, kills) = (0, 0);
        for (; kills < toKill; run++)
        {
            // If a run ends before it is killed, the next one is started.
            while (kills < toKill && !File.Exists(Path.Combine(Files.At($"run{run}"), "result.json")))
            {
                // Half of the moments count from the start of the process, half from the line of the mix audit, when training is under way.
                var underWay = draws.Bernoulli(0.5);
                var wait = TimeSpan.FromMilliseconds(draws.Uniform(0, underWay ? whole / 4 : whole));
                moments.Add(string.Create(CultureInfo.InvariantCulture,
                    $"run {run}, {(underWay ? "mix audit" : "start")} + {wait.TotalMilliseconds:F1} ms"));
                if (Kill(Next($"run{run}"), underWay, wait))
                    kills++;
            }
            for (var attempt = 0; attempt < 2 && !File.Exists(Path.Combine(Files.At($"run{run}"), "result.json")); attempt++)
            {
                var rest = CommandLine.Run(Next($"run{run}"));
                Assert.True(rest.ExitCode == 0, $"{rest.Error} Moments: {string.Join("; ", moments)}");
            }
            Same($"run{run}", $"Moments: {string.Join("; ", moments)}");
        }
        Assert.Equal(toKill, kills);
    }

    // True when the process was still running.
    private static bool Kill(string[] arguments, bool underWay, TimeSpan wait)
    {
        using var process = CommandLine.Start(arguments);
        if (underWay)
            WaitForTraining(process);
        var ended = process.WaitForExit(wait);
        process.Kill();      // SIGKILL
        process.WaitForExit();
        return !ended;
    }

    // Reads the mask of ignored signals, whose second lowest bit is SIGINT.
    internal static bool IgnoresInterrupts() => File.Exists("/proc/self/status")
        && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } ignored
        && (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & 2) != 0;

    [Fact]
    public void Ctrl_C_ends_with_130_and_can_be_resumed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        Assert.SkipWhen(IgnoresInterrupts(),
            "Started with SIGINT ignored, as a shell does with jobs in the background; its children inherit that.");
        const string run = "cancelled";
        using var process = CommandLine.Start(Begin(run));
        WaitForTraining(process);
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        var cancelled = CommandLine.Finish(process);
        Assert.Equal((130, ""), (cancelled.ExitCode, cancelled.Output));
        Assert.Contains("can be resumed", cancelled.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run(Resume(run)).ExitCode);
        Same(run, "Cancelled after two steps.");
    }

    private static void Send(string signal, Process process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    // The mix audit prints its line when an epoch is done.
    private static void WaitForTraining(Process process)
    {
        while (process.StandardError.ReadLine() is { } line && !line.Contains("mix audit", StringComparison.Ordinal)) { }
    }

    // Container runtimes, batch systems and service managers send SIGTERM; a terminal that is closed sends SIGHUP.
    [Theory, InlineData("TERM", 143), InlineData("HUP", 129)]
    public void An_external_signal_keeps_a_checkpoint_as_Ctrl_C_does(string signal, int exitCode)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        var run = $"stopped by {signal}";
        using var process = CommandLine.Start(Begin(run));
        WaitForTraining(process);
        Send(signal, process);
        var stopped = CommandLine.Finish(process);
        Assert.Equal((exitCode, ""), (stopped.ExitCode, stopped.Output));
        Assert.Contains("can be resumed", stopped.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Files.At($"{run}/lock.json")));
        Assert.Equal(0, CommandLine.Run(Resume(run)).ExitCode);
        Same(run, $"Stopped by SIG{signal}.");
    }

    [Fact]
    public void A_hangup_signal_that_was_ignored_at_the_start_stays_ignored()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        const string run = "started by nohup";
        var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-c", "trap '' HUP; exec \"$0\" exec \"$@\"", CommandLine.Host, CommandLine.Program, .. Begin(run)])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        WaitForTraining(process);
        Send("HUP", process);
        var ended = CommandLine.Finish(process);
        Assert.True(ended.ExitCode == 0, ended.Error);
        Same(run, "Hung up, and not stopped.");
    }

    [Theory, InlineData("last.safetensors"), InlineData("last.optimizer"), InlineData("last.callbacks"), InlineData("last.state.json")]
    public void A_damaged_checkpoint_is_recognised_and_the_previous_one_is_used(string name)
    {
        var run = $"damaged {name}";
        runs.CopyKilled(run);
        var path = Path.Combine(Files.At(run), "checkpoints", name);
        // A kill may have left a newer generation in .new files, which would be used instead.
        foreach (var aside in Directory.GetFiles(Path.GetDirectoryName(path)!, "*.new"))
            File.Delete(aside);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x80;
        File.WriteAllBytes(path, bytes);
        var resumed = CommandLine.Run(Resume(run));
        Assert.Equal(0, resumed.ExitCode);
        Assert.Contains("damaged", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("the one before it", resumed.Error, StringComparison.Ordinal);
        Same(run, $"{name} was damaged.");
    }

    [Fact]
    public void A_run_without_a_checkpoint_starts_at_step_0()
    {
        const string run = "without";
        Assert.Equal(0, CommandLine.Run(Begin(run)).ExitCode);
        foreach (var file in Directory.GetFiles(Path.Combine(Files.At(run), "checkpoints"))
            .Where(file => !file.EndsWith("model.json", StringComparison.Ordinal)))
            File.Delete(file);
        File.Delete(Path.Combine(Files.At(run), "result.json"));
        var resumed = CommandLine.Run(Resume(run));
        Assert.Contains("starting from step 0", resumed.Error, StringComparison.Ordinal);
        Same(run, "No checkpoint.");
    }

    /// <summary>One uninterrupted run and one killed run, shared by all tests of the class.</summary>
    public sealed class Runs : IDisposable
    {
        private readonly Lazy<string> killed;

        public Runs()
        {
            var clock = Stopwatch.StartNew();
            var alone = CommandLine.RunProcess(Begin(Files, "alone"));
            ProcessTime = clock.Elapsed;
            Assert.True(alone.ExitCode == 0, alone.Error);
            killed = new(KilledAfterTwoCheckpoints);
        }

        internal PictureSet Files { get; } = new PictureSet().Paint();

        /// <summary>The time that a process takes for the whole run.</summary>
        public TimeSpan ProcessTime { get; }

        public void Dispose() => Files.Dispose();

        internal void CopyKilled(string run)
        {
            foreach (var file in Directory.GetFiles(killed.Value, "*", SearchOption.AllDirectories))
            {
                var copy = Path.Combine(Files.At(run), Path.GetRelativePath(killed.Value, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }
        }

        private string KilledAfterTwoCheckpoints()
        {
            var run = Files.At("killed");
            Kill(Begin(Files, "killed"), underWay: true, TimeSpan.Zero);
            while (!File.Exists(Path.Combine(run, "checkpoints", "previous.state.json")))
            {
                string[] next = Directory.Exists(run) ? ["train", "--resume", "--out", run] : Begin(Files, "killed");
                Kill(next, underWay: true, TimeSpan.FromMilliseconds(50));
            }
            return run;
        }
    }
}
