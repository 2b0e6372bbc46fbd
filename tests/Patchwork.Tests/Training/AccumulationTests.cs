using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>
/// A batch that is processed in parts gives the same step as the whole batch, and weight decay acts on the intended parameter groups.
/// </summary>
[Collection(SerialCollection.Name)]
public sealed class AccumulationTests
{
    private sealed class Images : Dataset
    {
        public override int Count => 22;      // the last batch is short, and its parts too

        public override int Channels => 1;

        public override int Height => 6;

        public override int Width => 6;

        public override IReadOnlyList<string> ClassNames { get; } = ["a", "b", "c"];

        public override Normalization Normalization { get; } = new([0.5f], [0.25f]);

        public override int Label(int index) => index % 3;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) =>
            Enumerable.Range(0, 36).Select(i => (byte)((i * 37 + index * 91) % 256)).ToArray();
    }

    private static nn.Module<Tensor, Tensor> Linear()
    {
        new SeedStream(1).SeedTorch("model");
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.ReLU(), nn.Linear(8, 3));
    }

    private static (Tensor Weights, double Loss, double Accuracy) Train(int accumulate, Loss loss)
    {
        var seeds = new SeedStream(2);
        using var model = Linear();
        using var loader = new BatchLoader(new Images(), seeds, new LoaderOptions { BatchSize = 8 });
        var metrics = new Dictionary<string, double>();
        var options = new TrainerOptions
        {
            Epochs = 3,
            Optimizer = new Sgd { LearningRate = 0.05 },
            Accumulate = accumulate,
            Loss = loss,
            Seeds = seeds
        };
        new Trainer(options, new MixingCallback(new CutMix { Scope = Scope.Example }), new Keep(metrics))
            .Fit(model, new TrainingData(loader, null), null);
        using var none = no_grad();
        return (cat([.. model.parameters().Select(parameter => parameter.reshape(-1))]), metrics["train/loss"], metrics["train/accuracy"]);
    }

    private sealed class Keep(Dictionary<string, double> metrics) : Callback
    {
        public override void OnTrainEpochEnd(TrainingState state)
        {
            foreach (var (name, value) in state.Metrics)
                metrics[name] = value;
        }
    }

    [Theory, InlineData(2, Reduction.Mean), InlineData(3, Reduction.Mean), InlineData(8, Reduction.Mean), InlineData(3, Reduction.Sum)]
    public void Parts_of_a_batch_give_the_gradient_of_the_whole_batch(int parts, Reduction reduction)
    {
        using var scope = NewDisposeScope();
        var (whole, inParts) = (Train(1, new CrossEntropy { Reduction = reduction }),
            Train(parts, new CrossEntropy { Reduction = reduction }));
        Assert.True(whole.Weights.allclose(inParts.Weights, 1e-5, 1e-6));
        Assert.Equal(whole.Loss, inParts.Loss, 1e-5);
        Assert.Equal(whole.Accuracy, inParts.Accuracy, 1e-9);
    }

    public static TheoryData<OptimizerOptions> Optimizers =>
    [
        new Sgd { LearningRate = 0.1, WeightDecay = 0.5, Momentum = 0 }, new AdamW { LearningRate = 0.1, WeightDecay = 0.5 },
    ];

    // With zero gradients, a step is the weight decay alone: w ← (1 - 0.1·0.5)·w.
    [Theory, MemberData(nameof(Optimizers))]
    public void Weight_decay_can_exclude_vectors(OptimizerOptions options)
    {
        using var scope = NewDisposeScope();
        foreach (var decayVectors in (bool[])[true, false])
        {
            using var model = Linear();
            var before = model.parameters().Select(parameter => parameter.detach().clone()).ToArray();
            using var optimizer = (options with { DecayVectors = decayVectors }).Create(model);
            foreach (var parameter in model.parameters())
                (parameter * 0).sum().backward();
            optimizer.step();
            foreach (var (parameter, was) in model.parameters().Zip(before))
                Assert.True(parameter.allclose(was * (parameter.dim() > 1 || decayVectors ? 0.95 : 1)));
        }
    }
}
