using System.Diagnostics;
using System.Text.Json.Nodes;
using Patchwork.Distributed;
using Patchwork.Randomness;
using Patchwork.Samples;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>Tests of the command-line tool under the launchers of Open MPI and MPICH.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class MpiTests : IDisposable
{
    private readonly PictureSet files = new();

    private string[] Train(string run, params string[] more) =>
        ["train", "--method", "cutmix", "--per-class", "6", "--epochs", "2", "--batch-size", "12", "--threads", "1", "--quiet",
            "--checkpoint-every", "1", "--out", files.At(run), .. more];

    private byte[] Weights(string run) => File.ReadAllBytes(files.At($"{run}/checkpoints/last.safetensors"));

    private JsonNode Json(string file) => JsonNode.Parse(File.ReadAllText(files.At(file)))!;

    // The sum of two numbers does not depend on their order, so two ranks give the same bits with any MPI.
    [Fact]
    public void Open_MPI_and_MPICH_train_to_bit_identical_weights()
    {
        Mpi.Need(Mpi.Open);
        Mpi.Need(Mpi.Mpich);
        foreach (var launcher in (string[])[Mpi.Open, Mpi.Mpich])
        {
            var result = Mpi.Run(launcher, 2, Train(launcher, "--json"));
            Assert.True(result.ExitCode == 0, result.Error);
            Assert.Equal("", result.Error);
            Assert.Equal(1000, (int)JsonNode.Parse(result.Output)!["testImages"]!);      // one document, written by rank 0
            Assert.Equal([Environment.MachineName, Environment.MachineName],
                Json($"{launcher}/environment.json")["ranks"]!.AsArray().Select(host => (string)host!));
            Assert.Equal(2, (int)Json($"{launcher}/recipe.json")["ranks"]!);
            Assert.Contains("\"exchange_wait\"", File.ReadAllText(files.At($"{launcher}/metrics.jsonl")), StringComparison.Ordinal);
        }
        Assert.Equal(Weights(Mpi.Open), Weights(Mpi.Mpich));
    }

    [Fact]
    public void A_run_killed_at_random_moments_resumes_to_the_weights_of_an_uninterrupted_run()
    {
        Lane.NeedFull("five kills of two ranks");
        Assert.Equal(0, Mpi.Run(Mpi.Open, 2, Train("whole")).ExitCode);
        var draws = new SeedStream(19).Open("test");
        var (kills, run) = (0, 0);
        var moments = new List<string>();
        for (; kills < 5; run++)
        {
            string[] Next() => Directory.Exists(files.At($"run{run}")) ? ["train", "--resume", "--quiet", "--out", files.At($"run{run}")] : Train($"run{run}");
            while (kills < 5 && !File.Exists(files.At($"run{run}/result.json")))
            {
                var wait = draws.Uniform(500, 3000);
                moments.Add($"run {run} at {wait:F0} ms");
                using var process = Mpi.Start(Mpi.Open, 2, Next());
                if (process.WaitForExit((int)wait))
                    continue;
                kills++;
                Kill(process, all: draws.Bernoulli(0.5));
            }
            if (!File.Exists(files.At($"run{run}/result.json")))
            {
                var rest = Mpi.Run(Mpi.Open, 2, Next());
                Assert.True(rest.ExitCode == 0, $"{rest.Error} {string.Join("; ", moments)}");
            }
            Assert.True(Weights("whole").AsSpan().SequenceEqual(Weights($"run{run}")), string.Join("; ", moments));
        }
    }

    // Kills the launcher, whose ranks must end too, or one rank, whereupon the launcher ends the others.
    private static void Kill(Process launcher, bool all)
    {
        if (!all && RanksOf(launcher.Id) is { Length: > 0 } ranks)
            Process.GetProcessById(ranks[^1]).Kill();
        else
            launcher.Kill();
        Assert.True(launcher.WaitForExit(20_000), "the launcher goes on");
        launcher.StandardError.ReadToEnd();      // ends when the last rank has closed it
    }

    private static int[] RanksOf(int launcher) => [.. Directory.GetDirectories("/proc")
        .Select(path => int.TryParse(Path.GetFileName(path), out var id) ? id : 0).Where(id => id > 0 && Parent(id) == launcher).Order()];

    private static int Parent(int id)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/proc/{id}/stat").Split(") ")[^1].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [Fact]
    public void A_signal_keeps_a_checkpoint_and_resuming_on_another_number_of_ranks_gives_a_notice()
    {
        Lane.NeedFull("three trainings of ranks");
        using (var process = Mpi.Start(Mpi.Open, 2, [.. Train("run").Select(word => word == "2" ? "500" : word)]))
        {
            while (!File.Exists(files.At("run/checkpoints/last.state.json")) && !process.HasExited)
                Thread.Sleep(50);
            Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit();
            var result = CommandLine.Finish(process);
            Assert.Equal(["patchwork: cancelled; the run can be resumed."], Mpi.Said(result.Error));
        }
        Recut("run", 2);
        Assert.Equal(2, (int)Json("run/checkpoints/last.state.json")["ranks"]!);
        var resumed = Mpi.Run(Mpi.Open, 3, ["train", "--resume", "--out", files.At("run"), "--quiet"]);
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Contains("the run had 2 ranks and now has 3 ranks: it continues equal up to rounding, not bit for bit", resumed.Error,
            StringComparison.Ordinal);
    }

    // A stopped process keeps its connections open, so only the timeout can notice it.
    [Fact]
    public void A_rank_that_stops_answering_ends_the_run_after_the_timeout()
    {
        Lane.NeedFull("starts ranks");
        using var process = Mpi.Start(Mpi.Open, 2, [.. Train("silent").Select(word => word == "2" ? "500" : word)], ("PATCHWORK_MPI_WAIT", "3"));
        while (!File.Exists(files.At("silent/checkpoints/last.state.json")) && !process.HasExited)
            Thread.Sleep(50);
        Process.Start("kill", ["-STOP", $"{RanksOf(process.Id)[^1]}"]).WaitForExit();
        var result = CommandLine.Finish(process);
        Assert.Equal($"patchwork: Rank 0 of 2 on {Environment.MachineName} has waited 3 s for the others, which do not respond; all ranks are ended.",
            Assert.Single(Mpi.Said(result.Error)));
        Assert.NotEqual(0, result.ExitCode);
    }

    [Fact]
    public void The_commands_of_the_guide_run()
    {
        Lane.NeedFull("trains and compares");
        Mpi.Need(Mpi.Open);
        var page = File.ReadAllText(Repository.File("docs/guide/several-machines.md"));
        var commands = page.Split("```sh\n")[1].Split("```")[0].Trim().Split('\n');
        Assert.Equal(["train", "train", "compare"], commands.Select(command => command.Split(' ')[4]));
        foreach (var command in commands)
        {
            var line = command.Replace("resnet20", "resnet8", StringComparison.Ordinal).Replace("runs/", files.At("runs-"), StringComparison.Ordinal)
                .Replace("--batch-size 128", "--batch-size 16 --per-class 4 --epochs 1 --quiet", StringComparison.Ordinal)
                .Replace("--seeds 1", "--seeds 1 --per-class 4 --epochs 1 --evaluate clean,calibration --limit 40 --quiet", StringComparison.Ordinal);
            using var process = Mpi.Start(Mpi.Open, ["-n", "2", CommandLine.Host, "exec", CommandLine.Program, .. line.Split(' ').Skip(4)]);
            var result = CommandLine.Finish(process);
            Assert.True(result.ExitCode == 0, $"{line}: {result.Error}");
        }
    }

    private void Recut(string run, int epochs)
    {
        var done = (int)Json($"{run}/checkpoints/last.state.json")["epoch"]!;
        var recipe = Json($"{run}/recipe.json");
        recipe["epochs"] = done + epochs;
        File.WriteAllText(files.At($"{run}/recipe.json"), recipe.ToJsonString());
    }

    [Fact]
    public void Commands_unfit_for_several_ranks_are_rejected_with_one_message()
    {
        Lane.NeedFull("starts ranks four times");
        (string[] Line, string Expected)[] refused =
        [
            (["models"], "patchwork: models works in one process. Received: 2, started by Open MPI's launcher."),
            (["train", "--epochs"], "patchwork: Required argument missing for option: '--epochs'."),
            (["train", "--batch-size", "3", "--out", files.At("small")], "patchwork: --batch-size must be 4 or more for 2 ranks"),
            (["compare", "--jobs", "2", "--out", files.At("jobs")],
                "patchwork: Ranks must train one run at a time, together. Received: jobs = 2"),
        ];
        foreach (var (line, expected) in refused)
        {
            var result = Mpi.Run(Mpi.Open, 2, line);
            Assert.Equal(2, result.ExitCode);
            Assert.StartsWith(expected, Assert.Single(Mpi.Said(result.Error)), StringComparison.Ordinal);
            Assert.Equal("", result.Output.Replace("-", "", StringComparison.Ordinal).Trim());
        }
    }

    [Fact]
    public void A_library_of_another_MPI_and_a_missing_library_are_reported()
    {
        Lane.NeedFull("starts ranks");
        Mpi.Need(Mpi.Mpich);
        Mpi.Need(Mpi.Open);
        foreach (var (launcher, library) in new[] { (Mpi.Open, "libmpich.so.12"), (Mpi.Mpich, "libmpi.so.40") })
        {
            var other = Mpi.Run(launcher, 2, Train("never"), ("PATCHWORK_MPI", library));
            Assert.Contains($"started 2 processes, but {library} sees 1: it belongs to another MPI.", Assert.Single(Mpi.Said(other.Error)),
                StringComparison.Ordinal);
            Assert.Equal(2, other.ExitCode);
        }
        // Simulates a machine without MPI.
        using var disk = new SmallDisk();
        disk.Run("64k", """
            for library in /usr/lib/*/libmpi.so.40.* /usr/lib/*/libmpich.so.12.*; do mount --bind /dev/null "$library" || exit 99; done
            patch none train --out "$disk/never"
            """, ("OMPI_COMM_WORLD_SIZE", "2"), ("OMPI_COMM_WORLD_RANK", "0"));
        Assert.StartsWith("patchwork: Open MPI's launcher started 2 processes, but there is no MPI library here to connect them. Install",
            File.ReadAllText(disk.At("none.err")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rank_without_data_and_a_full_disk_end_all_ranks_with_one_message()
    {
        Lane.NeedFull("three trainings of ranks");
        Mpi.Need(Mpi.Open);
        files.Paint(perClass: 8);
        using var disk = new SmallDisk();
        disk.Run("96k", $"""
            {Mpi.Exports}
            export OMPI_MCA_btl_vader_single_copy_mechanism=none
            ranks() {"{"} name=$1; shift; mpirun.openmpi "$@" > "$said/$name.out" 2> "$said/$name.err"; echo $? > "$said/$name.code"; {"}"}
            train="$host exec $program train --quiet --threads 1 --epochs 2 --checkpoint-every 1 --batch-size 8"
            folder="--dataset folder --image-size 16 --data $pictures"
            ranks without -n 1 $train $folder --out "$disk/without" : \
                -n 1 unshare --mount bash -c "mount -t tmpfs none $pictures && exec $train"
            ranks full -n 2 $train --per-class 6 --out "$disk/full"
            mount -o remount,size=4m "$disk"
            ranks resumed -n 2 $host exec $program train --resume --quiet --out "$disk/full"
            """, ("pictures", files.Pictures));
        var without = Assert.Single(Mpi.Said(File.ReadAllText(disk.At("without.err"))));
        Assert.StartsWith($"patchwork: Rank 1 of 2 on {Environment.MachineName} failed: ", without, StringComparison.Ordinal);
        Assert.Contains(files.Pictures, without, StringComparison.Ordinal);
        var full = Assert.Single(Mpi.Said(File.ReadAllText(disk.At("full.err"))));
        Assert.Contains("stopped because a file could not be read or written", full, StringComparison.Ordinal);
        Assert.Contains("No space left on device", full, StringComparison.Ordinal);
        Assert.Equal("0", File.ReadAllText(disk.At("resumed.code")).Trim());
    }

    [Fact]
    public void The_sample_runs_in_one_process_and_on_two_ranks()
    {
        Lane.NeedFull("an epoch on all photographs, twice");
        var lines = new List<string>();
        SeveralMachines.Run(new SingleProcess(), epochs: 1, lines.Add);
        Assert.EndsWith("with 1 ranks", Assert.Single(lines), StringComparison.Ordinal);
        Mpi.Need(Mpi.Open);
        using var process = Mpi.Start(Mpi.Open, ["-n", "2", CommandLine.Host, "exec", Path.Combine(AppContext.BaseDirectory, "SeveralMachines.dll")]);
        var result = CommandLine.Finish(process);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.EndsWith("with 2 ranks", Assert.Single(result.Output.Trim().Split('\n')), StringComparison.Ordinal);
    }

    public void Dispose() => files.Dispose();
}
