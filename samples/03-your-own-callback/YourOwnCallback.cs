using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;

namespace Patchwork.Samples;

/// <summary>A callback of your own: it measures the gradient after every backward pass and reports its mean norm once per epoch.</summary>
public static class YourOwnCallback
{
    // <callback>
    private sealed class GradientNorm(Action<string> print) : Callback
    {
        private double sum;
        private int steps;

        public override void OnAfterBackward(TrainingState state)
        {
            sum += Math.Sqrt(state.Model.parameters()
                .Sum(parameter => parameter.grad is { } gradient ? gradient.square().sum().ToDouble() : 0));
            steps++;
        }

        public override void OnTrainEpochEnd(TrainingState state)
        {
            print($"epoch {state.Epoch}: mean gradient norm {sum / steps:F3}");
            (sum, steps) = (0, 0);
        }
    }
    // </callback>

    /// <summary>Trains a small network on the embedded photographs with CutMix and the callback above.</summary>
    public static FitResult Run(int epochs, Action<string> print)
    {
        var data = DatasetCatalogue.Open("clothing", new DataOptions());
        var seeds = new SeedStream(1);
        seeds.SeedTorch("model");
        using var model = ModelZoo.Create("resnet8", data.Train.ClassNames.Count);
        using var loader = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = 50 });
        var options = new TrainerOptions { Epochs = epochs, Optimizer = new Adam(), Seeds = seeds };
        return new Trainer(options, new MixingCallback(new CutMix()), new GradientNorm(print))
            .Fit(model, new TrainingData(loader, null), null);
    }
}
