using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>
/// Training steps of one network on one batch that lies in memory: forward, cross entropy, backward, and SGD with the CutMix paper's
/// settings, by the parts that the trainer is made of.
/// </summary>
public sealed class TrainingSteps : IDisposable
{
    private readonly ImageClassifier model;
    private readonly OptimizerHelper optimizer;
    private readonly Tensor images, labels;
    private readonly CrossEntropy loss = new();

    /// <summary>A fresh network in training mode, of ten classes.</summary>
    /// <param name="modelId">The network.</param>
    /// <param name="side">Rows and columns of an image.</param>
    /// <param name="batch">Images per step. Range: at least 2.</param>
    /// <param name="precision">What the forward pass computes in.</param>
    public TrainingSteps(string modelId, int side, int batch, Precision precision)
    {
        new SeedStream(1).SeedTorch("bench");
        model = ModelZoo.Create(modelId, 10, imageSize: side, options: new() { Stem = Stem.Small });      // as PyTorch's side
        model.Precision = precision;
        optimizer = new Sgd().Create(model);
        images = randn(batch, 3, side, side).DetachFromDisposeScope();
        labels = randint(10, [batch]).DetachFromDisposeScope();
    }

    /// <summary>What the forward pass computes in; never <see cref="Precision.Auto"/>.</summary>
    public Precision Precision => model.Precision;

    /// <summary>Takes one step.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        model.zero_grad();
        loss.Evaluate(model.call(images), labels).backward();
        optimizer.step();
    }

    /// <summary>Takes some steps; their time in seconds.</summary>
    public double Time(int steps) => SpeedBench.Time(() =>
    {
        for (var i = 0; i < steps; i++)
            Step();
    });

    /// <summary>Frees network, optimizer and batch.</summary>
    public void Dispose()
    {
        optimizer.Dispose();
        model.Dispose();
        images.Dispose();
        labels.Dispose();
    }
}
