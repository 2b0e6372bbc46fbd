using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>
/// Training steps of one network on one batch in memory: forward, cross entropy, backward, and SGD with the CutMix paper's settings, made
/// of the same parts as the trainer.
/// </summary>
public sealed class TrainingSteps : IDisposable
{
    private readonly ImageClassifier model;
    private readonly OptimizerHelper optimizer;
    private readonly Tensor images, labels;
    private readonly CrossEntropy loss = new();

    /// <summary>Creates a new network with ten classes, in training mode.</summary>
    /// <param name="modelId">Id of the network.</param>
    /// <param name="side">Rows and columns of an image.</param>
    /// <param name="batch">Images per step. Range: at least 2.</param>
    /// <param name="precision">Precision of the forward pass.</param>
    public TrainingSteps(string modelId, int side, int batch, Precision precision)
    {
        new SeedStream(1).SeedTorch("bench");
        model = ModelZoo.Create(modelId, 10, imageSize: side, options: new() { Stem = Stem.Small });      // as on PyTorch's side
        model.Precision = precision;
        optimizer = new Sgd().Create(model);
        images = randn(batch, 3, side, side).DetachFromDisposeScope();
        labels = randint(10, [batch]).DetachFromDisposeScope();
    }

    /// <summary>Precision of the forward pass; never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision => model.Precision;

    /// <summary>Runs one step.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        model.zero_grad();
        loss.Evaluate(model.call(images), labels).backward();
        optimizer.step();
    }

    /// <summary>Runs the given number of steps and returns their time in seconds.</summary>
    public double Time(int steps) => SpeedBench.Time(() =>
    {
        for (var i = 0; i < steps; i++)
            Step();
    });

    /// <summary>Frees the network, the optimizer and the batch.</summary>
    public void Dispose()
    {
        optimizer.Dispose();
        model.Dispose();
        images.Dispose();
        labels.Dispose();
    }
}
