using System.Globalization;
using System.Text;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Formats;
using Patchwork.Randomness;
using Patchwork.Reporting;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>The progress of an evaluation.</summary>
/// <param name="Suite">The suite that is being measured.</param>
/// <param name="Share">The completed share of this suite, 0 to 1.</param>
/// <param name="Whole">The completed share of the evaluation, counted in suites, 0 to 1.</param>
public readonly record struct EvaluationProgress(Suite Suite, double Share, double Whole);

/// <summary>Evaluates a finished run suite by suite, as the command line's <c>evaluate</c> does.</summary>
public static class RunEvaluation
{
    // Not the run's seed: all runs see the same noise, the same pairs and the same resampled images, so that their results can be compared
    // image by image.
    private const ulong Seed = 0;

    /// <summary>
    /// Measures the suites that have not been measured with these options. Each suite is stored as soon as it is done, those of other ranks
    /// when all are done. Numbers are for the weights of the last epoch; a suite may add those of the best one.
    /// </summary>
    /// <param name="folder">Run folder of a finished run.</param>
    /// <param name="options">What to measure.</param>
    /// <param name="report">Receives one line at a time for the user.</param>
    /// <param name="progress">Receives the progress.</param>
    /// <param name="collective">
    /// Processes that measure together, one suite each, of which this is rank 0 and the others serve as <see cref="Followers"/>; null: this
    /// process alone.
    /// </param>
    /// <param name="cancellation">Ends the evaluation between two batches; the same call resumes it.</param>
    /// <returns>The suites and what they measured, in the order of the options.</returns>
    /// <exception cref="InputException">
    /// The folder is not a finished run, another process works in it, or an option or the run's data cannot be used, for example because
    /// the data now has other classes.
    /// </exception>
    /// <exception cref="OutputException">A result could not be written.</exception>
    public static IReadOnlyList<MeasuredSuite> Run(string folder, EvaluationOptions options, Action<Notice> report,
        Action<EvaluationProgress> progress, ICollective? collective = null, CancellationToken cancellation = default)
    {
        var run = RunFolder.Open(folder);
        RequireFinished(run, folder);
        using var owned = RunLock.Take(run.Path);
        var data = RunData.Open(run);
        if (data.ChangesSince(run) is { } changes)
            report(new Notice($"the data has changed since the run was made ({changes}): the evaluation uses the current data",
                IsWarning: true));
        var suites = options.Of(data.Test);
        var files = new EvaluationFiles(run, data);
        var done = suites.ToDictionary(suite => suite, suite => files.Read(suite, options));
        Suite[] missing = [.. suites.Where(suite => done[suite] is null)];
        if (missing.Length > 0)
        {
            foreach (var suite in missing)
                _ = files.DataOf(suite, options.Limit);      // throws if it cannot open the data, before the first suite is measured
            Ranks.Of(collective ?? new SingleProcess()).Together(ranks =>
            {
                var dealt = SharedSuites.Dealt(missing, ranks.Size);
                Suite[] own = [.. dealt.Where(one => one.Rank == 0).Select(one => one.Suite)];
                if (!ranks.Alone)
                {
                    Followers.CallToEvaluate(ranks);
                    RankPlaces.Of(ranks);
                    SharedSuites.Send(ranks, run, options, dealt);
                    data.RequireSameOn(ranks);
                }
                Measure(run, files, options, own, (suite, result) =>
                {
                    done[suite] = result;
                    report(new Notice($"{suite.Id} done"));
                }, report, progress, cancellation);
                if (ranks.Alone)
                    return true;
                var measured = SharedSuites.Collect(ranks, run, own);
                foreach (var (suite, _) in dealt.Where(one => one.Rank > 0))
                {
                    Store(() => files.Adopt(suite, measured[suite.Id]), folder);
                    done[suite] = files.Read(suite, options) ?? throw new InputException("Every rank needs the same images. Received: "
                        + $"different ones on another rank, among those that the suite {suite.Id} uses besides the test images.");
                    report(new Notice($"{suite.Id} done"));
                }
                return true;
            });
        }
        progress(new(suites[^1], 1, 1));
        return [.. suites.Select(suite => Measured(suite, done[suite]!, options))];
    }

    /// <summary>Measures suites and stores each as soon as it is done.</summary>
    internal static void Measure(RunFolder run, EvaluationFiles files, EvaluationOptions options, IReadOnlyList<Suite> suites,
        Action<Suite, SuiteResult> measured, Action<Notice> report, Action<EvaluationProgress> progress, CancellationToken cancellation)
    {
        using var threads = Threads(run, options);
        using var opened = Opened.Of(run, files.Data, files.Test(options.Limit), NativeLibraries.Device(run.Recipe.Device), options, report,
            cancellation);
        foreach (var (i, suite) in suites.Index())
        {
            var result =
                suite.Measure(opened.Subject with { Progress = share => progress(new(suite, share, (i + share) / suites.Count)) });
            Store(() => files.Write(Measured(suite, result, options)), run.Path);
            measured(suite, result);
        }
    }

    private static MeasuredSuite Measured(Suite suite, SuiteResult result, EvaluationOptions options) => new(suite, result)
    {
        Limit = options.Limit,
        Precision = options.Precision,
        Choices = Suites.Choices(suite, Suites.Stored(suite, null)),
    };

    /// <summary>
    /// Writes the output of a finished run's network (of the last epoch) for each test image: logits, which a softmax turns into
    /// probabilities.
    /// </summary>
    /// <param name="folder">Run folder of a finished run.</param>
    /// <param name="path">
    /// A file that ends in <c>.npy</c>, float32 (N, K) in the order of the test set, or in <c>.csv</c>, one line per image: index, file,
    /// class, and a column for each class.
    /// </param>
    /// <param name="options">The number of test images, the precision and the threads; the suites are ignored.</param>
    /// <param name="cancellation">Ends the work between two batches; nothing is written then.</param>
    /// <exception cref="InputException">
    /// The folder is not a finished run, its data cannot be used, or the file has another extension.
    /// </exception>
    public static void WriteLogits(string folder, string path, EvaluationOptions options, CancellationToken cancellation = default)
    {
        var asText = Path.GetExtension(path).Equals(".csv", StringComparison.OrdinalIgnoreCase);
        if (!asText && !Path.GetExtension(path).Equals(".npy", StringComparison.OrdinalIgnoreCase))
            throw new InputException($"Logits must be written to a file that ends in .npy or .csv. Received: {path}.");
        var run = RunFolder.Open(folder);
        RequireFinished(run, folder);
        var data = RunData.Open(run);
        var test = new EvaluationFiles(run, data).Test(options.Limit);
        using var threads = Threads(run, options);
        using var opened = Opened.Of(run, data, test, NativeLibraries.Device(run.Recipe.Device), options, _ => { }, cancellation);
        using var model = new PixelModel(opened.Subject.Network, test.Normalization);
        using var noGradient = no_grad();
        var rows = new List<float[]>();
        foreach (var batch in opened.Subject.Batches(test))
        {
            using var scope = NewDisposeScope();
            rows.AddRange(Subject.Rows(model.Logits(batch.Images)));
        }
        OutputFile.Write(path, asText ? Encoding.UTF8.GetBytes(LogitsTable(test, rows).ToCsv())
            : NpyFile.Encode(rows.SelectMany(row => row).ToArray(), rows.Count, test.ClassNames.Count));
    }

    private static ResultTable LogitsTable(Dataset test, IReadOnlyList<float[]> rows) =>
        new([new("index"), new("file"), new("class"), .. test.ClassNames.Select(name => new ResultColumn(name))],
        [.. rows.Select((row, i) => (IReadOnlyList<string>)
        [
            i.ToString(CultureInfo.InvariantCulture), test.FilePath(i) ?? "", test.ClassOf(i),
            .. row.Select(value => value.ToString("R", CultureInfo.InvariantCulture)),
        ])]);

    private static IDisposable Threads(RunFolder run, EvaluationOptions options) =>
        HardwareChoices.OnThreads(options.Threads ?? (run.Recipe.Threads > 0 ? run.Recipe.Threads : get_num_threads()));

    private static void RequireFinished(RunFolder run, string folder)
    {
        if (!run.Finished)
            throw new InputException($"An evaluation needs a finished run. Received: {run.Path}, which is not finished. Finish it first: "
                + $"`TrainingRun.Resume(\"{folder}\")`.");
    }

    private static void Store(Action write, string folder)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"A result of the evaluation of {folder} could not be written ({error.Message.TrimEnd('.')}). "
                + "Earlier results are kept. Free some space or repair the folder, then evaluate again to continue.", error);
        }
    }

    /// <summary>A run's networks and data, ready to be measured.</summary>
    private sealed class Opened(Subject subject) : IDisposable
    {
        public Subject Subject => subject;

        public static Opened Of(RunFolder run, RunData data, Dataset test, Device device, EvaluationOptions options, Action<Notice> report,
            CancellationToken cancellation)
        {
            var last = run.LoadNetwork(run.Checkpoints.LastWeights, device, options.Precision);
            var best = File.Exists(run.Checkpoints.BestWeights)
                ? run.LoadNetwork(run.Checkpoints.BestWeights, device, options.Precision) : null;
            return new Opened(new Subject(last, test, new SeedStream(Seed))
            {
                BestNetwork = best,
                Validation = run.Recipe.ValidatesOnTest ? null : data.Validation,
                Limit = options.Limit,
                Retrain = new RetrainingRuns(run, options.Precision, report, cancellation).Train,
                Device = device,
                Cancellation = cancellation,
            });
        }

        public void Dispose()
        {
            subject.Network.Dispose();
            subject.BestNetwork?.Dispose();
        }
    }
}
