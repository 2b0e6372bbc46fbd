using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>
/// A full disk ends a command with one sentence and exit code 1, leaves no partial files, and loses only the work since the last
/// checkpoint. A location that cannot be written is rejected before any work starts, with exit code 2.
/// </summary>
public sealed class DiskFaultTests : IDisposable
{
    private readonly PictureSet files = new();
    private readonly SmallDisk disk = new();

    public void Dispose()
    {
        disk.Dispose();
        files.Dispose();
    }

    private string Pictures => $"--dataset folder --data {files.Pictures} --image-size 16 --epochs 2 --batch-size 4 --threads 1 --quiet";

    // A checkpoint of resnet8 with Adam takes about 900 KB: there is room for one, but not for the next one beside it.
    [Fact]
    public void A_run_on_a_full_disk_keeps_its_last_checkpoint_and_resumes_bit_for_bit()
    {
        files.Paint(perClass: 10);
        disk.Run("1600k", $"""
            patch full train --method cutmix {Pictures} --checkpoint-every 2 --out "$disk/run"
            cp -r "$disk/run" "$said/full"
            patch still train --resume --out "$disk/run" --quiet
            room 16m
            patch again train --resume --out "$disk/run" --quiet
            cp -r "$disk/run" "$said/again"
            patch alone train --method cutmix {Pictures} --checkpoint-every 2 --out "$said/alone"
            """);
        foreach (var failed in (string[])["full", "still"])
        {
            var failure = disk.Said(failed).Failure();
            Assert.Contains("last good checkpoint is kept", failure, StringComparison.Ordinal);
            Assert.Contains($"train --resume --out {Path.Combine(disk.Disk, "run")}", failure, StringComparison.Ordinal);
        }
        Assert.False(File.Exists(disk.At("full/result.json")));
        Assert.Equal(["last.optimizer", "last.safetensors", "last.state.json", "model.json"],
            Directory.GetFiles(disk.At("full/checkpoints")).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.Equal(0, disk.Said("again").ExitCode);
        Assert.Equal(0, disk.Said("alone").ExitCode);
        foreach (var file in (string[])["last.safetensors", "best.safetensors"])
            Assert.Equal(File.ReadAllBytes(disk.At($"alone/checkpoints/{file}")), File.ReadAllBytes(disk.At($"again/checkpoints/{file}")));
    }

    [Fact]
    public void A_comparison_on_a_full_disk_resumes_when_there_is_room()
    {
        Lane.NeedFull("several trainings on a full disk");
        files.Paint(perClass: 10);
        disk.Run("1600k", $"""
            patch full compare --methods baseline,cutmix --seeds 1 --jobs 1 {Pictures} --out "$disk/out"
            ls "$disk/out" >"$said/after-full"
            room 16m
            patch again compare --methods baseline,cutmix --seeds 1 {Pictures} --out "$disk/out" --json
            ls "$disk/out" >"$said/after-again"
            """);
        Assert.Contains("last good checkpoint is kept", disk.Said("full").Failure(), StringComparison.Ordinal);
        Assert.Equal("baseline-seed1\n", File.ReadAllText(disk.At("after-full")));
        Assert.Equal(2, disk.Said("again").Json().GetProperty("methods").GetArrayLength());
        Assert.Equal("baseline-seed1\ncompare.json\ncutmix-seed1\nreport.html\n", File.ReadAllText(disk.At("after-again")));
    }

    [Theory]
    [InlineData("8k", "preview --count 20 --out")]
    [InlineData("64k", "mix shapes --count 200 --out")]
    [InlineData("4k", "train --epochs 1 --quiet --out")]
    public void No_partial_files_are_left_on_a_full_disk(string size, string line)
    {
        disk.Run(size, $"""
            patch full {line} "$disk/out"
            ls -A "$disk" >"$said/after"
            """);
        Assert.Contains("Free some space", disk.Said("full").Failure(), StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(disk.At("after")));
    }

    [Theory]
    [InlineData("train --epochs 1 --out")]
    [InlineData("compare --epochs 1 --seeds 1 --out")]
    [InlineData("preview --out")]
    [InlineData("mix shapes --count 2 --out")]
    [InlineData("data get cifar10 --data")]
    public void A_read_only_location_is_rejected_by_name(string line)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/sys, where nobody can create a file, is Linux's.");
        const string place = "/sys/patchwork";
        var refusal = CommandLine.Run([.. line.Split(' '), place]).Refusal();
        Assert.Contains(place, refusal, StringComparison.Ordinal);
        Assert.Contains(line.StartsWith("preview", StringComparison.Ordinal) ? "another place" : "another folder", refusal,
            StringComparison.Ordinal);
    }
}
