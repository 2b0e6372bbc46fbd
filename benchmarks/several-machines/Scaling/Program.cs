// The cost of training together: two ranks of one thread against the same two processes, each training for itself; five interleaved pairs.
// ResNet-20 in float32 on the embedded photographs, 64 images per step and process.
//     mpirun.openmpi -n 2 --bind-to none dotnet benchmarks/several-machines/Scaling/bin/Release/net10.0/Scaling.dll [EPOCHS]
// A third training tells what lockstep alone costs on this machine: each process trains for itself, but waits for the other after every
// step. No exchange of gradients, however fast, can do better than that.
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
torch.set_num_threads(1);
var epochs = args.Length > 0 ? int.Parse(args[0]) : 3;
using var ranks = Launcher.Join();
var data = DatasetCatalogue.Open("clothing", new DataOptions()).Train;
Train(ranks);      // warm-up
var (alone, inStep, together) = (default(Rates), default(Rates), default(Rates));
for (var pair = 1; pair <= 5; pair++)
{
    var (own, lockstep, shared) = (default(Rates), default(Rates), default(Rates));
    for (var i = 0; i < epochs; i++)
    {
        // Interleaved, in an order that alternates, so that a machine that warms up favours none.
        var ranksFirst = (pair + i) % 2 == 1;
        if (ranksFirst)
            shared += Train(ranks);
        lockstep += Train(new SingleProcess(), waits: true);
        own += Train(new SingleProcess());
        if (!ranksFirst)
            shared += Train(ranks);
    }
    if (ranks.Rank == 0)
        Console.WriteLine($"ranks {shared.Images / epochs:F1} images/s, independent {own.Images / epochs:F1}, ratio "
            + $"{shared.Images / own.Images:F3}; independent in lockstep {lockstep.Images / own.Images:F3}; exchanges take "
            + $"{shared.Waiting / epochs:P1} of the time");
    (alone, inStep, together) = (alone + own, inStep + lockstep, together + shared);
}
if (ranks.Rank == 0)
    Console.WriteLine($"all: ratio {together.Images / alone.Images:F3}, independent in lockstep {inStep.Images / alone.Images:F3}");

// Two epochs together or one each: the same number of steps.
Rates Train(ICollective collective, bool waits = false)
{
    var seeds = new SeedStream(1);
    seeds.SeedTorch("model");
    using var model = ModelZoo.Create("resnet20", data.ClassNames.Count);
    using var train = new BatchLoader(data, seeds, new LoaderOptions { BatchSize = 64 * collective.Size });
    var clock = new StepClock(waits ? ranks : null);
    var options = new TrainerOptions { Epochs = collective.Size, Optimizer = new Adam(), Seeds = seeds, Collective = collective };
    ranks.Barrier();
    _ = new Trainer(options, new MixingCallback(new CutMix()), clock).Fit(model, new TrainingData(train));
    var steps = ranks.Gather(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(clock.Steps)))
        .Select(bytes => MemoryMarshal.Cast<byte, Step>(bytes).ToArray()).ToArray();
    return new Rates(steps.Sum(own => own.Sum(step => step.Images) / own.Sum(step => step.Seconds)), clock.Waiting.Average());
}

// Images per second of both processes together, and the share of exchanges in the time.
record struct Rates(double Images, double Waiting)
{
    public static Rates operator +(Rates a, Rates b) => new(a.Images + b.Images, a.Waiting + b.Waiting);
}

record struct Step(double Seconds, double Images);

// Times every step but the first of an epoch, which waits for the loader to start; may wait for the other process after each.
sealed class StepClock(ICollective? others) : Callback
{
    private long last;

    public List<Step> Steps { get; } = [];

    // The share of exchanges in the time of each epoch.
    public List<double> Waiting { get; } = [];

    public override void OnTrainEpochStart(TrainingState state) => last = 0;

    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        others?.Sum([0.0]);
        var now = Stopwatch.GetTimestamp();
        if (last > 0)
            Steps.Add(new Step(Stopwatch.GetElapsedTime(last, now).TotalSeconds, batch.Count));
        last = now;
    }

    public override void OnTrainEpochEnd(TrainingState state) =>
        Waiting.Add(state.Metrics.GetValueOrDefault("exchange_wait"));
}
