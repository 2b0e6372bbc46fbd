using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Training;

var clothing = DatasetCatalogue.Open("clothing", new DataOptions());                // 3,781 photographs, inside the package
var seeds = new SeedStream(1);
seeds.SeedTorch("model");
using var train = new BatchLoader(clothing.Train, seeds, new LoaderOptions { BatchSize = 32 });
using var test = new BatchLoader(clothing.Test, seeds, LoaderOptions.Evaluation(batchSize: 250));
using var model = ModelZoo.Create("resnet8", clothing.Train.ClassNames.Count);
var trainer = new Trainer(
    new TrainerOptions { Epochs = 3, Seeds = seeds, Report = Console.WriteLine },
    new MixingCallback(new CutMix { Alpha = 1, Probability = 0.5 }));               // pastes boxes, mixes the loss by λ
var result = trainer.Fit(model, new TrainingData(train), test);
Console.WriteLine($"test error {result.Test!.Top1Error:P1}");
