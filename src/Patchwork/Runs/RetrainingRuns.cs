using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Plans;
using Patchwork.Recipes;
using Patchwork.Training;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// Trains what a suite requests (<see cref="Subject.Retrain"/>): ordinary runs that start from a run's weights, in
/// <c>evaluation/SUITE/NAME</c> of its folder. Finished runs are read, partial ones resumed.
/// </summary>
/// <param name="run">The run whose network is trained further.</param>
/// <param name="precision">The precision of the returned network; it is trained in the run's precision.</param>
/// <param name="report">Receives one line at a time for the user.</param>
/// <param name="cancellation">Ends the training between two steps.</param>
internal sealed class RetrainingRuns(RunFolder run, Precision precision, Action<Notice> report, CancellationToken cancellation)
{
    /// <summary>Returns the trained network, owned by the caller.</summary>
    public nn.Module<Tensor, Tensor> Train(Retraining wanted, Action<double> progress)
    {
        var folder = Path.Combine(run.Path, "evaluation", wanted.Suite, wanted.Name);
        void Say(Notice notice) => report(notice with { Text = $"{wanted.Label}: {notice.Text}" });
        Callback[] callbacks = [new Progress(progress)];
        var recipe = RecipeOf(wanted);
        if (Directory.Exists(folder) && !IsOf(folder, RunData.Open(recipe).Record))
            Directory.Delete(folder, recursive: true);      // of other weights or images: what it measured is stale
        if (Directory.Exists(folder))
            TrainingRun.Resume(folder, callbacks, Say, cancellation: cancellation);
        else
            TrainingRun.Start(recipe, folder, callbacks, Say, cancellation: cancellation);
        var trained = RunFolder.Open(folder);
        return trained.LoadNetwork(trained.Checkpoints.LastWeights, NativeLibraries.Device(run.Recipe.Device), precision);
    }

    private static bool IsOf(string folder, DataRecord data) => RunFolder.Open(folder).ReadData() is not { } stored
        || stored.Changes(data).Count == 0 && (stored.Weights is null || stored.Weights == data.Weights);

    private Recipe RecipeOf(Retraining wanted) => new()
    {
        Dataset = wanted.Dataset,
        Data = wanted.Folder,
        ImageSize = DatasetCatalogue.Find(wanted.Dataset).IsResizable ? wanted.ImageSize : null,
        Model = run.Recipe.Model,
        Seed = run.Recipe.Seed,
        Threads = run.Recipe.Threads,
        Device = run.Recipe.Device,
        Precision = run.Recipe.Precision,
        ScaledDecoding = wanted.ScaledDecoding,
        BatchSize = 64,
        Weights = run.Checkpoints.LastWeights,
        Normalization = wanted.Normalization.ToString(),
        Freeze = wanted.LastLayerOnly,
        Lr = wanted.LearningRate,
        Epochs = wanted.Epochs,
    };

    private sealed class Progress(Action<double> tell) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => tell(state.EpochsDone / state.Options.Epochs);
    }
}
