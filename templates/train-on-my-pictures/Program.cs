using Patchwork;
using Patchwork.Inference;
using Patchwork.Recipes;
using Patchwork.Runs;
using Patchwork.Training;

const string run = "run";      // the folder of the trained model

NativeHeap.KeepFreed();
try
{
    switch (args)
    {
        case ["train", var pictures]:
            var recipe = new Recipe
            {
                Dataset = "folder",      // a folder for each class
                Data = pictures,
                Method = "cutmix",
                Model = "resnet18",
                ImageSize = 64,
                Epochs = 30,
                Flip = true,
            };
            void Tell(Notice notice) => Console.WriteLine(notice);
            // Resumes a run that was stopped.
            var result = Directory.Exists(run) ? TrainingRun.Resume(run, [], Tell) : TrainingRun.Start(recipe, run, [], Tell);
            Console.WriteLine($"{result.Best.Top1Error:P1} of the test pictures are wrong");
            return 0;
        case ["predict", ..] when args.Length > 1:
            using (var predictor = Predictor.Open(run))
            {
                foreach (var picture in args[1..])
                    Console.WriteLine($"{picture}: {string.Join(", ", predictor.Classify(picture).Top(3))}");
            }
            return 0;
        default:
            Console.Error.WriteLine("Usage: train FOLDER, or predict PICTURE ...");
            return 2;
    }
}
catch (InputException refused)
{
    Console.Error.WriteLine(refused.Message);
    return 2;
}
