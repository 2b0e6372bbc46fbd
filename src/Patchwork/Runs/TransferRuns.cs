using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Training;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// Takes a run's network to another data set: two runs of the ordinary kind that begin with its weights, in <c>evaluation/transfer</c> of its folder. Finished ones
/// are read, partial ones go on.
/// </summary>
/// <param name="run">The run whose network is taken.</param>
/// <param name="options">Where to, and for how long.</param>
/// <param name="report">Receives one line at a time for the person who runs this.</param>
/// <param name="cancellation">Ends the training between two steps.</param>
internal sealed class TransferRuns(RunFolder run, EvaluationOptions options, Action<Notice> report, CancellationToken cancellation)
{
    /// <summary>The set and the training for it; the test images are those that are measured.</summary>
    /// <param name="test">The run's own test set: its channels must be the other's.</param>
    public Transfer Open(Dataset test)
    {
        var (recipe, target) = Target(options.TransferTo!, test, run.Recipe);
        return new Transfer(recipe.Name, options.Limit is { } limit ? StratifiedSplit.Some(target.Test, limit) : target.Test, (kind, progress) => Adapt(kind, recipe.Recipe, recipe.Name, progress));
    }

    /// <summary>The recipe that both trainings share, but for what is trained, and the data.</summary>
    /// <exception cref="InputException">The set cannot be opened, or has other channels.</exception>
    public static ((string Name, Recipe Recipe) Recipe, DatasetPair Data) Target(string text, Dataset test, Recipe source)
    {
        var (id, folder, name) = EvaluationOptions.Named(text);
        var size = DatasetCatalogue.Find(id).IsResizable ? test.Height : (int?)null;
        var recipe = new Recipe
        {
            Dataset = id,
            Data = folder,
            ImageSize = size,
            Model = source.Model,
            Seed = source.Seed,
            Threads = source.Threads,
            Device = source.Device,
            BatchSize = 64,
        };
        var data = recipe.OpenData();
        if (data.Test.Channels != test.Channels)
            throw new InputException($"A network can be taken to a data set of as many channels as its own, {test.Channels}. Received: {name}, which has {data.Test.Channels}.");
        return ((name, recipe), data);
    }

    private nn.Module<Tensor, Tensor> Adapt(TransferKind kind, Recipe recipe, string name, Action<double> progress)
    {
        var wanted = recipe with
        {
            Weights = run.Checkpoints.LastWeights,
            Freeze = kind == TransferKind.Probe,
            // A fresh layer learns fast; weights that know something are moved with a tenth of the rate.
            Lr = kind == TransferKind.Probe ? 0.01 : 0.001,
            Epochs = options.TransferEpochs,
        };
        var folder = Path.Combine(run.Path, "evaluation", "transfer", $"{name}-{kind.ToString().ToLowerInvariant()}-{options.TransferEpochs}");
        void Say(Notice notice) => report(notice with { Text = $"{name}, {kind.ToString().ToLowerInvariant()}: {notice.Text}" });
        Callback[] callbacks = [new Progress(progress)];
        if (Directory.Exists(folder))
            TrainingRun.Resume(folder, callbacks, Say, cancellation);
        else
            TrainingRun.Start(wanted, folder, callbacks, Say, cancellation);
        var trained = RunFolder.Open(folder);
        return trained.LoadNetwork(trained.Checkpoints.LastWeights, NativeLibraries.Device(recipe.Device));
    }

    private sealed class Progress(Action<double> tell) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => tell(state.EpochsDone / state.Options.Epochs);
    }
}
