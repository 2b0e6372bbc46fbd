using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;

namespace Patchwork.Samples;

/// <summary>The article's experiment: a trainer, CutMix as a callback, and TensorBoard grids of the mixed images.</summary>
public static class TheArticle
{
    /// <summary>Trains with the article's CutMix and writes TensorBoard events into the folder.</summary>
    public static FitResult Run(string folder, int epochs, Action<string> print)
    {
        Directory.CreateDirectory(folder);
        var data = DatasetCatalogue.Open("clothing", new DataOptions());
        var (train, validation) = StratifiedSplit.Of(data.Train, 0.1);
        var seeds = new SeedStream(1);
        seeds.SeedTorch("model");
        using var model = ModelZoo.Create("resnet8", data.Train.ClassNames.Count);
        using var trainLoader = new BatchLoader(new Subset(data.Train, train), seeds, new LoaderOptions { BatchSize = 32 });
        using var validationLoader = new BatchLoader(new Subset(data.Train, validation), seeds, LoaderOptions.Evaluation(batchSize: 200));
        using var testLoader = new BatchLoader(data.Test, seeds, LoaderOptions.Evaluation(batchSize: 250));

        var log = new TensorBoardLog(folder);
        var trainer = new Trainer(
            new TrainerOptions { Epochs = epochs, Optimizer = new Adam(), Seeds = seeds, Report = print },
            new MixingCallback(CutMix.Presets.Article),
            new MixingGrids(log, everySteps: 50) { Tags = new("train_cutmix", "train_cut_from", "train_dif") },
            new MixAudit(),
            log);
        var result = trainer.Fit(model, new TrainingData(trainLoader, validationLoader), testLoader);
        print($"test error {result.Test!.Top1Error:P1} after {result.Epochs} epochs; tensorboard --logdir {folder}");
        return result;
    }
}
