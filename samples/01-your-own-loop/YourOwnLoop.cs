using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Samples;

/// <summary>CutMix in a training loop of your own: no trainer, no callback.</summary>
public static class YourOwnLoop
{
    /// <summary>Trains a small network on the embedded photographs and returns the mean loss of each epoch.</summary>
    public static List<double> Run(int epochs, Action<string> print)
    {
        var data = DatasetCatalogue.Open("clothing", new DataOptions());
        var seeds = new SeedStream(1);
        seeds.SeedTorch("model");
        using var model = ModelZoo.Create("resnet8", data.Train.ClassNames.Count);
        using var optimizer = optim.Adam(model.parameters(), lr: 0.002);
        using var loader = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = 32 });
        var losses = new List<double>();
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var (sum, step) = (0.0, 0);
            foreach (var batch in loader.Epoch(epoch))
            {
                var (images, labels) = (batch.Images, batch.Labels);
                using var scope = NewDisposeScope();
                // <cutmix>
                var cutmix = new CutMix { Alpha = 1.0, Probability = 0.5 };
                var plan = cutmix.Plan(MixContext.Of(images, seeds.Open("mix", epoch, step++)));      // makes every draw
                cutmix.ApplyInPlace(images, plan);                                                    // pastes the boxes
                var targets = PairTargets.Of(labels, plan);                                           // y = λ·a + (1-λ)·b

                var logits = model.call(images);
                var loss = targets.Loss(logits, new CrossEntropy());                                  // λ counted in pixels
                optimizer.zero_grad();
                loss.backward();
                optimizer.step();
                // </cutmix>
                sum += loss.ToDouble();
            }
            losses.Add(sum / loader.Steps);
            print($"epoch {epoch + 1}: mean loss {losses[^1]:F3}");
        }
        return losses;
    }
}
