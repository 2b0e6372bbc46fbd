using System.Globalization;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;

namespace Patchwork.Samples;

/// <summary>
/// Custom training on several machines: the program for one process plus one line, started with
/// <c>mpirun -n 2 dotnet run -c Release --project samples/07-several-machines</c>.
/// </summary>
public static class SeveralMachines
{
    /// <summary>Trains a small network on the embedded photographs with CutMix on all ranks.</summary>
    /// <returns>The result on all test images, the same on every rank.</returns>
    public static FitResult Run(ICollective ranks, int epochs, Action<string> print)
    {
        var data = DatasetCatalogue.Open("clothing", new DataOptions());
        var seeds = new SeedStream(1);
        seeds.SeedTorch("model");
        using var model = ModelZoo.Create("resnet8", data.Train.ClassNames.Count);
        using var train = new BatchLoader(data.Train, seeds, new LoaderOptions { BatchSize = 50 });      // over all ranks together
        using var test = new BatchLoader(data.Test, seeds, LoaderOptions.Evaluation(100));
        // <ranks>
        var options = new TrainerOptions { Epochs = epochs, Optimizer = new Adam(), Seeds = seeds, Collective = ranks };
        var result = new Trainer(options, new MixingCallback(new CutMix())).Fit(model, new TrainingData(train), test);
        if (ranks.Rank == 0)
            print(string.Create(CultureInfo.InvariantCulture, $"test error {result.Test!.Top1Error:P1} with {ranks.Size} ranks"));
        // </ranks>
        return result;
    }
}
