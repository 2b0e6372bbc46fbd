using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Reporting;
using Patchwork.Runs;

namespace Patchwork.Claims;

/// <summary>
/// Writes what the finished runs of an experiment measured into the folder of results, so that an interruption loses nothing.
/// </summary>
public static class Collector
{
    private static readonly ResultColumn[] Columns =
    [
        .. "method seed epochs test_error_last test_error_best best_epoch train_accuracy seconds precision commit command".Split(' ')
            .Select(title => new ResultColumn(title)),
    ];

    /// <summary>Writes the rows of the finished runs, their weights if the experiment keeps them, and what suites measured.</summary>
    /// <param name="experiment">The experiment.</param>
    /// <param name="runs">The folder of its runs.</param>
    /// <param name="results">The folder of results.</param>
    /// <returns>Number of finished runs.</returns>
    public static int Collect(Experiment experiment, string runs, string results)
    {
        var finished = !Directory.Exists(runs) ? [] : Directory.GetDirectories(runs)
            .Where(folder => File.Exists(Path.Combine(folder, "recipe.json"))).Select(RunFolder.Open).Where(run => run.Finished).ToArray();
        var trained = finished.Where(run => run.Recipe.Epochs > 0).ToArray();
        if (experiment.KeepsWeights)
            KeepWeights(experiment, trained, results);      // before the rows, which say that a run is there
        if (trained.Length > 0)
        {
            KeepTable(FileOf(experiment, "", results), WithEarlier(experiment, FileOf(experiment, "", results),
                trained.Select(run => Row(experiment, run))));
        }
        if (trained.Length == 0 || !experiment.KeepsWeights)      // else the stored networks are measured, in another folder
            KeepMeasured(experiment, runs, finished, results);
        return finished.Length;
    }

    private static string FileOf(Experiment experiment, string part, string results) =>
        Path.Combine(results, $"{experiment.Name}{part}.csv");

    private static void KeepWeights(Experiment experiment, IEnumerable<RunFolder> runs, string results)
    {
        foreach (var run in runs)
        {
            var name = RunFolder.NameOf(experiment.Name, run.Recipe.Method, $"seed{run.Recipe.Seed}");
            Keep(File.ReadAllBytes(Path.Combine(run.Path, "checkpoints", "last.safetensors")),
                Path.Combine(results, "weights", $"{name}.safetensors"));
        }
    }

    // compare measures the runs after the last of them was trained: before, there are no files and nothing to pair.
    private static void KeepMeasured(Experiment experiment, string runs, IReadOnlyList<RunFolder> finished, string results)
    {
        foreach (var part in (string[])["evaluation", "curves", "differences"])
        {
            if (File.Exists(Path.Combine(runs, $"{part}.csv")))
                Keep(File.ReadAllBytes(Path.Combine(runs, $"{part}.csv")), FileOf(experiment, $"-{part}", results));
        }
        if (File.Exists(Path.Combine(runs, "differences.csv"))
            && PairedErrors.Table(finished, PairedErrors.Of(experiment)) is { Rows.Count: > 0 } pairs)
            KeepTable(FileOf(experiment, "-pairs", results), pairs);
    }

    // These rows and, if no run is trained twice, the file's rows of the experiment's other runs; by seed, the baseline first.
    private static ResultTable WithEarlier(Experiment experiment, string file, IEnumerable<string[]> rows)
    {
        static int Seed(string[] row) => int.Parse(row[1], CultureInfo.InvariantCulture);
        var earlier = experiment.KeepsWeights && File.Exists(file) ? DelimitedText.Read(file).Rows.Skip(1)
            .Select(row => row.Cells.ToArray()).Where(row => experiment.Methods.Contains(row[0]) && Seed(row) <= experiment.Seeds) : [];
        return new(Columns, [.. rows.Concat(earlier).DistinctBy(row => (row[0], row[1])).OrderBy(Seed)
            .ThenBy(row => row[0] != Methods.Baseline).ThenBy(row => row[0], StringComparer.Ordinal)]);
    }

    private static void KeepTable(string file, ResultTable table) =>
        Keep(Encoding.UTF8.GetBytes(table.ToCsv().ReplaceLineEndings("\n")), file);

    // Never half a file; a file that stays the same is not touched, since this runs once a minute.
    private static void Keep(byte[] bytes, string kept)
    {
        if (!File.Exists(kept) || !bytes.AsSpan().SequenceEqual(File.ReadAllBytes(kept)))
            AtomicFile.Write(kept, stream => stream.Write(bytes));
    }

    private static string[] Row(Experiment experiment, RunFolder run)
    {
        var (recipe, result) = (run.Recipe, run.ReadResult());
        var environment = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Path, "environment.json")))!;
        return [recipe.Method, $"{recipe.Seed}", $"{result.Epochs}", Percent(result.Last.Error), Percent(result.Best.Error),
            $"{result.Best.Epoch}", Percent(result.TrainAccuracy), result.Seconds.ToString("F0", CultureInfo.InvariantCulture),
            recipe.Precision.ToString().ToLowerInvariant(), $"{environment["commit"]}", experiment.Command];
    }

    private static string Percent(double share) => (100 * share).ToString("F2", CultureInfo.InvariantCulture);
}
