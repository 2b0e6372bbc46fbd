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
/// Writes what the finished runs of an experiment measured into the folder of results, so that an interruption loses nothing: neither what
/// this folder of runs has, nor what is in the results from another one.
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
        if (finished.Length == 0)
            return 0;
        var trained = finished.Where(run => run.Recipe.Epochs > 0).ToArray();
        if (trained.Length > 0)
            KeepTable("", new ResultTable(Columns, WithEarlier(Path.Combine(results, $"{experiment.Name}.csv"),
                trained.Select(run => Row(experiment, run)))));
        foreach (var run in trained.Where(_ => experiment.KeepsWeights))
        {
            var kept = Path.Combine(results, "weights",
                RunFolder.NameOf(experiment.Name, run.Recipe.Method, $"seed{run.Recipe.Seed}") + ".safetensors");
            Keep(File.ReadAllBytes(Path.Combine(run.Path, "checkpoints", "last.safetensors")), kept);
        }
        foreach (var part in (string[])["evaluation", "curves", "differences"])
        {
            if (File.Exists(Path.Combine(runs, $"{part}.csv")))
                Keep(File.ReadAllBytes(Path.Combine(runs, $"{part}.csv")), Path.Combine(results, $"{experiment.Name}-{part}.csv"));
        }
        // compare evaluates the runs after the last of them was trained: before, there is nothing to pair.
        if (File.Exists(Path.Combine(runs, "differences.csv"))
            && PairedErrors.Table(finished, PairedErrors.Of(experiment)) is { Rows.Count: > 0 } pairs)
            KeepTable("-pairs", pairs);
        return finished.Length;

        void KeepTable(string part, ResultTable table) => Keep(Encoding.UTF8.GetBytes(table.ToCsv().ReplaceLineEndings("\n")),
            Path.Combine(results, $"{experiment.Name}{part}.csv"));
    }

    // These rows, and those of the file whose method and seed are not among them; by seed, the baseline first.
    private static IReadOnlyList<string[]> WithEarlier(string file, IEnumerable<string[]> rows)
    {
        var earlier = File.Exists(file) ? DelimitedText.Read(file).Rows.Skip(1).Select(row => row.Cells.ToArray()) : [];
        return [.. rows.Concat(earlier).DistinctBy(row => (row[0], row[1])).OrderBy(row => int.Parse(row[1], CultureInfo.InvariantCulture))
            .ThenBy(row => row[0] != Methods.Baseline).ThenBy(row => row[0], StringComparer.Ordinal)];
    }

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
