using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Training;

[Collection(SerialCollection.Name)]
public sealed partial class CheckpointTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-checkpoints-").FullName;

    public static TheoryData<string> Optimizers => ["sgd", "adam", "adamw"];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, MemberData(nameof(Optimizers))]
    public void Interrupted_training_equals_uninterrupted_training_bit_for_bit(string optimizer)
    {
        Run("whole", optimizer, stopAt: null);
        foreach (var stopAt in (long[])[1, 3, 4, 9])      // in the middle of an epoch and at its end
        {
            var name = $"stopped at {stopAt}";
            Run(name, optimizer, stopAt);
            Run(name, optimizer, stopAt: null);
            Assert.Equal(Bits("whole"), Bits(name));
            Assert.Equal(Metrics("whole"), Metrics(name));
        }
    }

    [Theory]
    [InlineData("truncate")]
    [InlineData("flip")]
    [InlineData("delete")]
    public void A_damaged_latest_checkpoint_is_detected_and_the_previous_one_used(string damage)
    {
        Run("whole", "sgd", stopAt: null);
        foreach (var part in (string[])["safetensors", "optimizer", "callbacks", "state.json"])
        {
            var name = $"{damage} {part}";
            Run(name, "sgd", stopAt: 9);
            Damage(Path.Combine(folder, name, "checkpoints", "last." + part), damage);
            var warnings = Run(name, "sgd", stopAt: null).Where(line => line.Contains("damaged", StringComparison.Ordinal)).ToArray();
            if ((damage, part) != ("delete", "state.json"))      // without a state file there is no latest checkpoint to warn about
                Assert.Contains("resuming from the one before it", Assert.Single(warnings));
            Assert.Equal(Bits("whole"), Bits(name));
        }
    }

    // Writing to /dev/full fails as on a full disk, so the test needs no file system of its own.
    [Theory, InlineData("safetensors.new.partial"), InlineData("optimizer.new"), InlineData("callbacks.new.partial"),
        InlineData("state.json.new.partial")]
    public void A_full_disk_leaves_the_previous_checkpoint_intact(string file)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        Run("whole", "sgd", stopAt: null);
        Run("run", "sgd", stopAt: 4);
        var checkpoints = Path.Combine(folder, "run", "checkpoints");
        var before = Directory.GetFiles(checkpoints).ToDictionary(path => path, File.ReadAllBytes);
        File.CreateSymbolicLink(Path.Combine(checkpoints, "last." + file), "/dev/full");
        Assert.True(OutputException.IsNoRoom(Assert.ThrowsAny<IOException>(() => Run("run", "sgd", stopAt: 5))));
        Assert.Equal(before.Keys.Order(), Directory.GetFiles(checkpoints).Order());
        Assert.All(before, entry => Assert.Equal(entry.Value, File.ReadAllBytes(entry.Key)));
        Assert.DoesNotContain(Run("run", "sgd", stopAt: null), line => line.Contains("damaged", StringComparison.Ordinal));
        Assert.Equal(Bits("whole"), Bits("run"));
    }

    [Fact]
    public void An_error_is_raised_if_every_checkpoint_is_damaged()
    {
        Run("run", "sgd", stopAt: 9);
        foreach (var file in Directory.GetFiles(Path.Combine(folder, "run", "checkpoints"), "*.safetensors"))
            Damage(file, "flip");
        Assert.Contains("no earlier one is intact", Assert.Throws<InputException>(() => Run("run", "sgd", stopAt: null)).Message);
    }

    // The process can be killed between any two of these renames; a complete generation must exist at every moment.
    [Fact]
    public void A_complete_generation_is_found_between_any_two_renames()
    {
        Run("old", "sgd", stopAt: 4);
        Run("new", "sgd", stopAt: 8);
        string At(string run, string file) => Path.Combine(folder, run, "checkpoints", file);
        string[] parts = ["safetensors", "optimizer", "callbacks", "state.json"];
        var moments = new List<string[]>();
        for (var renamed = 0; renamed <= 2 * parts.Length; renamed++)
        {
            var moment = Path.Combine(folder, $"moment {renamed}", "checkpoints");
            Directory.CreateDirectory(moment);
            for (var p = 0; p < parts.Length; p++)
            {
                var done = Math.Clamp(renamed - 2 * p, 0, 2);
                File.Copy(At("old", "last." + parts[p]), Path.Combine(moment, (done >= 1 ? "previous." : "last.") + parts[p]));
                File.Copy(At("new", "last." + parts[p]), Path.Combine(moment, done == 2 ? "last." + parts[p] : $"last.{parts[p]}.new"));
            }
            var warnings = new List<string>();
            var checkpoint = new CheckpointStore(moment).Load(warnings.Add)!;
            Assert.Equal((4, 0), (checkpoint.Epoch, checkpoint.StepInEpoch));
            Assert.Empty(warnings);
            Assert.Equal(parts.Select(part => "last." + part).Order(), Directory.GetFiles(moment, "last.*").Select(Path.GetFileName)
                .Order());
        }
    }

    [Fact]
    public void An_unfinished_generation_is_skipped_without_a_warning()
    {
        Run("run", "sgd", stopAt: 4);
        var checkpoints = Path.Combine(folder, "run", "checkpoints");
        File.WriteAllText(Path.Combine(checkpoints, "last.safetensors.new"), "half");
        File.WriteAllText(Path.Combine(checkpoints, "last.state.json.new"), "{\"version\":");
        var warnings = new List<string>();
        Assert.Equal(2, new CheckpointStore(checkpoints).Load(warnings.Add)!.Epoch);
        Assert.Empty(warnings);
        Assert.Null(new CheckpointStore(Path.Combine(folder, "nowhere")).Load(warnings.Add));
    }

    [Theory, InlineData(5), InlineData(8)]      // within an epoch, and at its end, after which no further loss would reveal it
    public void Weights_that_are_not_finite_are_never_saved(long step)
    {
        Run("run", "sgd", stopAt: step - 1);
        var checkpoints = Path.Combine(folder, "run", "checkpoints");
        var before = Directory.GetFiles(checkpoints).ToDictionary(path => path, File.ReadAllBytes);
        var error = Assert.Throws<NonFiniteException>(() => Run("run", "sgd", stopAt: null, new Ruin(step)));
        Assert.Contains("must be finite", error.Message, StringComparison.Ordinal);
        Assert.All(before, entry => Assert.Equal(entry.Value, File.ReadAllBytes(entry.Key)));
    }

    [Fact]
    public void A_fit_that_is_cancelled_with_infinite_weights_keeps_the_previous_checkpoint()
    {
        Run("run", "sgd", stopAt: 4);
        var before = Bits("run");
        Assert.Throws<OperationCanceledException>(() => Run("run", "sgd", stopAt: null, new Ruin(5, cancel: true)));
        Assert.Equal(before, Bits("run"));
    }

    private List<string> Run(string name, string optimizer, long? stopAt, params Callback[] more)
    {
        using var fit = new TrainerTests.Fit();
        var reports = new List<string>();
        var store = new CheckpointStore(Path.Combine(folder, name, "checkpoints"));
        Directory.CreateDirectory(store.Folder);
        OptimizerOptions options = optimizer switch { "sgd" => new Sgd { LearningRate = 0.01 }, "adam" => new Adam(), _ => new AdamW() };
        List<Callback> callbacks = [new MixingCallback(new CutMix()), new MetricsFile(Path.Combine(folder, name, "metrics.jsonl")),
            new Checkpointing(store) { EverySteps = 1 }];
        if (optimizer != "adamw")      // one optimizer runs without a callback that has tensors
            callbacks.Insert(0, new WeightAverage { Decay = 0.9 });
        callbacks.AddRange(more);
        if (stopAt is { } step)
            callbacks.Add(new Interrupt(step));
        try
        {
            fit.Run([.. callbacks], resume: store.Load(reports.Add), report: reports.Add,
                options: new TrainerOptions { Epochs = 6, Optimizer = options });
        }
        catch (TimeoutException)
        {
        }
        return reports;
    }

    private string Bits(string name) =>
        Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, name, "checkpoints", "last.safetensors"))));

    private string Metrics(string name) => Speed().Replace(File.ReadAllText(Path.Combine(folder, name, "metrics.jsonl")), "");

    private static void Damage(string path, string damage)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 4;
        if (damage == "delete")
            File.Delete(path);
        else
            File.WriteAllBytes(path, damage == "flip" ? bytes : bytes[..(bytes.Length / 2)]);
    }

    [GeneratedRegex("\"(images_per_second|data_wait)\":[^,]*,")]
    private static partial Regex Speed();

    // Makes a weight infinite, as a diverging step would.
    private sealed class Ruin(long step, bool cancel = false) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            if (state.Step != step)
                return;
            using (TorchSharp.torch.no_grad())
                state.Model.parameters().First().view(-1)[0].fill_(double.PositiveInfinity);
            if (cancel)
                throw new OperationCanceledException();
        }
    }

    // Ends the fit abruptly: no hook of the trainer writes anything afterwards.
    private sealed class Interrupt(long step) : Callback
    {
        public override bool RunsLast => true;

        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            if (state.StepInEpoch < state.Data.Train.Steps && state.Step == step)
                throw new TimeoutException();
        }

        public override void OnTrainEpochEnd(TrainingState state)
        {
            if (state.Step == step)
                throw new TimeoutException();
        }
    }
}
