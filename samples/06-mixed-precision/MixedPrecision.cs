using System.Globalization;
using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Samples;

/// <summary>A training loop of your own in bfloat16. The printed number of live tensors shows that it leaks none.</summary>
public static class MixedPrecision
{
    /// <summary>Trains a small network on the embedded photographs, mixed by CutMix; returns the loss of each step.</summary>
    public static List<double> Run(Precision precision, int steps, int batchSize, Action<string> print)
    {
        var data = DatasetCatalogue.Open("clothing", new DataOptions());
        var seeds = new SeedStream(1);
        seeds.SeedTorch("model");
        using var model = ModelZoo.Create("resnet8", data.Train.ClassNames.Count);
        using var optimizer = optim.SGD(model.parameters(), learningRate: 0.05, momentum: 0.9);
        using var loader = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = batchSize })
        {
            Planner = new CutMix { Probability = 0.5 },
        };
        var losses = new List<double>();
        for (var epoch = 0; losses.Count < steps; epoch++)
        {
            foreach (var batch in loader.Epoch(epoch).Take(steps - losses.Count))
            {
                using var scope = NewDisposeScope();
                // <autocast>
                Tensor logits;
                using (Autocast.To(precision))                                                  // convolutions and products in bfloat16
                    logits = model.call(batch.Images);
                var loss = batch.Targets!.Loss(logits.to(ScalarType.Float32), new CrossEntropy());      // losses in float32
                optimizer.zero_grad();
                loss.backward();                                                                // float32 gradients of float32 weights
                optimizer.step();
                // </autocast>
                losses.Add(loss.ToDouble());
            }
            print(string.Create(CultureInfo.InvariantCulture, $"step {losses.Count}: loss {losses.TakeLast(100).Average():F3}, "
                + $"{Tensor.TotalCount} tensors alive, {Environment.WorkingSet / 1e6:F0} MB"));
        }
        return losses;
    }
}
