using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Tests.Distributed;

/// <summary>A small training that runs on any number of ranks and records what each rank saw.</summary>
internal sealed record RankedFit
{
    public Func<IEnumerable<Callback>> Callbacks { get; init; } = () => [];

    public Func<int, IEnumerable<Callback>> OwnCallbacks { get; init; } = _ => [];

    public Func<nn.Module<Tensor, Tensor>> Model { get; init; } = () => ModelZoo.Create("resnet8", 3, 1, 16);

    public TrainerOptions Options { get; init; } = new() { Epochs = 1, Optimizer = new Sgd { LearningRate = 0.05 } };

    public LoaderOptions Loading { get; init; } = new() { BatchSize = 10, Augmentation = new CropFlip { Padding = 2, Flip = true } };

    public int Images { get; init; } = 27;      // the last batch is short

    public bool Validates { get; init; }

    /// <summary>The checkpoint from which each rank resumes. Only that of rank 0 is used.</summary>
    public Func<int, Checkpoint?> Resume { get; init; } = _ => null;

    public Func<int, CancellationToken> Cancellation { get; init; } = _ => default;

    /// <summary>Runs the training on the given number of ranks. Returns the records by rank.</summary>
    public IReadOnlyList<RankRecord> Run(int ranks) => ranks == 1 ? [On(new SingleProcess())] : ThreadRanks.Run(ranks, On);

    /// <summary>Runs one rank's part of the training.</summary>
    public RankRecord On(ICollective collective)
    {
        var seeds = new SeedStream(2);
        using var model = seeds.Network(Model);
        using var train = new BatchLoader(new Pictures(Images), seeds, Loading);
        using var validation = Validates ? new BatchLoader(new Pictures(23), seeds, LoaderOptions.Evaluation(4)) : null;
        var record = new RankRecord();
        new Trainer(Options with { Seeds = seeds, Collective = collective },
            [.. Callbacks(), .. OwnCallbacks(collective.Rank), new Recorder(record)])
            .Fit(model, new TrainingData(train, validation), null, Resume(collective.Rank), Cancellation(collective.Rank));
        record.Weights = Numbers(cat([.. model.parameters().Select(parameter => parameter.detach().reshape(-1))]));
        record.Buffers = [.. model.buffers().Where(buffer => buffer.dtype == ScalarType.Float32).SelectMany(Numbers)];
        return record;
    }

    public static float[] Numbers(Tensor tensor)
    {
        using var here = tensor.detach().to(ScalarType.Float32).cpu().contiguous();
        return here.data<float>().ToArray();
    }

    /// <summary>Noise images of 16×16 whose labels (index² mod 3) are not balanced.</summary>
    internal sealed class Pictures(int count) : Dataset
    {
        public override int Count => count;

        public override int Channels => 1;

        public override int Height => 16;

        public override int Width => 16;

        public override IReadOnlyList<string> ClassNames { get; } = ["a", "b", "c"];

        public override Normalization Normalization { get; } = new([0.5f], [0.25f]);

        public override int Label(int index) => index * index % 3;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var draws = new SeedStream(5).Open("picture", 0, index);
            return Enumerable.Range(0, 256).Select(_ => (byte)draws.Integer(256)).ToArray();
        }
    }

    private sealed class Recorder(RankRecord record) : Callback
    {
        public override bool RunsLast => true;

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            if (batch.Counted == 0)
            {
                record.Steps.Add(new([], [], [], batch));
                return batch;
            }
            var targets = batch.Targets ?? new PairTargets(batch.Labels, batch.Labels, [.. Enumerable.Repeat(1.0, batch.Count)]);
            record.Steps.Add(new(Numbers(batch.Images), Numbers(targets.Soft(3, ScalarType.Float64)), batch.RowsInWhole(), batch));
            return batch;
        }

        public override void OnBeforeOptimizerStep(TrainingState state)
        {
            if (record.FirstGradient.Length == 0)
                record.FirstGradient = [.. state.Model.parameters().Where(parameter => parameter.grad is not null)
                    .SelectMany(parameter => Numbers(parameter.grad!))];
        }

        public override void OnTrainEpochEnd(TrainingState state) => record.Metrics = new(state.Metrics);
    }
}

/// <summary>What one rank saw during a training.</summary>
internal sealed class RankRecord
{
    public List<RankStepRecord> Steps { get; } = [];

    public float[] FirstGradient { get; set; } = [];

    public float[] Weights { get; set; } = [];

    public float[] Buffers { get; set; } = [];

    public Dictionary<string, double> Metrics { get; set; } = [];
}

/// <summary>One step: pixels, targets (rows of 3) and the positions of the rows in the whole batch.</summary>
internal sealed record RankStepRecord(float[] Pixels, float[] Targets, int[] Rows, Batch Batch);
