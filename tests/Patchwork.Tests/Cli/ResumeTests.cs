using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>A run that is killed, cancelled or damaged and then resumed ends with the bits of the run left alone.</summary>
[Collection(ProcessesCollection.Name)]
public sealed partial class ResumeTests : IDisposable
{
    private const int Kills = 20;
    private readonly PictureSet files = new PictureSet().Paint();

    public void Dispose() => files.Dispose();

    private string[] Begin(string run) => ["train", "--method", "cutmix", "--ema", "0.9", "--checkpoint-every", "1", .. files.Flags(run)];

    private string[] Resume(string run) => ["train", "--resume", "--out", files.At(run)];

    private string[] Next(string run) => Directory.Exists(files.At(run)) ? Resume(run) : Begin(run);

    private byte[] Weights(string run, string file) => File.ReadAllBytes(Path.Combine(files.At(run), "checkpoints", file));

    // These are the numbers that a clock decides.
    private string Metrics(string run) => Speed().Replace(File.ReadAllText(Path.Combine(files.At(run), "metrics.jsonl")), "");

    [GeneratedRegex("\"(images_per_second|data_wait)\":[^,}]*,?")]
    private static partial Regex Speed();

    private TimeSpan LeaveAlone()
    {
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, CommandLine.Run(Begin("alone")).ExitCode);
        return clock.Elapsed;
    }

    private void Same(string run, string how)
    {
        foreach (var file in (string[])["last.safetensors", "last.callbacks", "best.safetensors"])
            Assert.True(Weights("alone", file).AsSpan().SequenceEqual(Weights(run, file)), $"{file} differs. {how}");
        Assert.True(Metrics("alone") == Metrics(run), $"metrics.jsonl differs. {how}\n{Metrics("alone")}\n{Metrics(run)}");
    }

    [Fact]
    public void Twenty_kills_at_random_moments_leave_no_trace()
    {
        var whole = LeaveAlone().TotalMilliseconds;
        var draws = new SeedStream(20).Open("test");
        List<string> moments = [];
        var (runs, kills) = (0, 0);
        for (; kills < Kills; runs++)
        {
            // A run that ends before it is killed makes room for the next one.
            while (kills < Kills && !File.Exists(Path.Combine(files.At($"run{runs}"), "result.json")))
            {
                // Half the moments count from the start of the process, half from its first line: then training is under way.
                var underWay = draws.Bernoulli(0.5);
                var wait = TimeSpan.FromMilliseconds(draws.Uniform(0, underWay ? whole / 4 : whole));
                moments.Add(string.Create(CultureInfo.InvariantCulture, $"run {runs}, {(underWay ? "first line" : "start")} + {wait.TotalMilliseconds:F1} ms"));
                if (Kill(Next($"run{runs}"), underWay, wait))
                    kills++;
            }
            for (var attempt = 0; attempt < 2 && !File.Exists(Path.Combine(files.At($"run{runs}"), "result.json")); attempt++)
            {
                var rest = CommandLine.Run(Next($"run{runs}"));
                Assert.True(rest.ExitCode == 0, $"{rest.Error} Moments: {string.Join("; ", moments)}");
            }
            Same($"run{runs}", $"Moments: {string.Join("; ", moments)}");
        }
        Assert.Equal(Kills, kills);
    }

    // True when the process was still running.
    private static bool Kill(string[] arguments, bool underWay, TimeSpan wait)
    {
        using var process = CommandLine.Start(arguments);
        if (underWay)
            process.StandardError.ReadLine();
        var ended = process.WaitForExit(wait);
        process.Kill();      // SIGKILL
        process.WaitForExit();
        return !ended;
    }

    // The mask of ignored signals, the second lowest bit SIGINT's.
    internal static bool IgnoresInterrupts() => File.Exists("/proc/self/status")
        && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } ignored
        && (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & 2) != 0;

    [Fact]
    public void Ctrl_C_ends_with_130_and_can_be_resumed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent by kill.");
        Assert.SkipWhen(IgnoresInterrupts(), "Started with SIGINT ignored, as a shell does with jobs in the background; its children inherit that.");
        LeaveAlone();
        using var process = CommandLine.Start(Begin("run"));
        process.StandardError.ReadLine();      // the mix audit's line: training is under way
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
            kill.WaitForExit();
        var cancelled = CommandLine.Finish(process);
        Assert.Equal((130, ""), (cancelled.ExitCode, cancelled.Output));
        Assert.Contains("can be resumed", cancelled.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Run(Resume("run")).ExitCode);
        Same("run", "Cancelled after two steps.");
    }

    [Theory, InlineData("last.safetensors"), InlineData("last.optimizer"), InlineData("last.callbacks"), InlineData("last.state.json")]
    public void A_damaged_checkpoint_is_recognised_and_the_one_before_it_used(string name)
    {
        LeaveAlone();
        Kill(Begin("run"), underWay: true, TimeSpan.Zero);
        while (!File.Exists(Path.Combine(files.At("run"), "checkpoints", "previous.state.json")))
            Kill(Next("run"), underWay: true, TimeSpan.FromMilliseconds(50));
        var path = Path.Combine(files.At("run"), "checkpoints", name);
        // A kill may have left a newer generation aside, which would be used instead.
        foreach (var aside in Directory.GetFiles(Path.GetDirectoryName(path)!, "*.new"))
            File.Delete(aside);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0x80;
        File.WriteAllBytes(path, bytes);
        var resumed = CommandLine.Run(Resume("run"));
        Assert.Equal(0, resumed.ExitCode);
        Assert.Contains("damaged", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("the one before it", resumed.Error, StringComparison.Ordinal);
        Same("run", $"{name} was damaged.");
    }

    [Fact]
    public void A_run_without_a_checkpoint_begins_at_step_0()
    {
        LeaveAlone();
        Assert.Equal(0, CommandLine.Run(Begin("run")).ExitCode);
        foreach (var file in Directory.GetFiles(Path.Combine(files.At("run"), "checkpoints")).Where(file => !file.EndsWith("model.json", StringComparison.Ordinal)))
            File.Delete(file);
        File.Delete(Path.Combine(files.At("run"), "result.json"));
        var resumed = CommandLine.Run(Resume("run"));
        Assert.Contains("beginning at step 0", resumed.Error, StringComparison.Ordinal);
        Same("run", "No checkpoint.");
    }
}
