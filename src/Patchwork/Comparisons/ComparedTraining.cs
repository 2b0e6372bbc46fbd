using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Training;

namespace Patchwork.Comparisons;

/// <summary>
/// Describes how a comparison's runs were trained: curves, the dose of mixing that each method actually applied, its cost, and the λ that
/// it used.
/// </summary>
/// <param name="comparison">The runs.</param>
internal sealed class ComparedTraining(ComparisonResult comparison)
{
    /// <summary>True if something was trained; false if existing weights were only tested.</summary>
    public bool Trained => comparison.Recipe.Epochs > 0;

    /// <summary>The name of the validation error that the runs recorded.</summary>
    public string ErrorMetric => comparison.Runs[0].Result.Last.MeanAveragePrecision is null ? ValidationError.OfOneLabel
        : ValidationError.OfSeveral;

    /// <summary>Curves of the training, the dose table, and λ.</summary>
    public IEnumerable<ReportSection> Sections()
    {
        if (!Trained)
            yield break;
        yield return new("Curves", [HtmlFragment.Chart(Curve("Validation error", ErrorMetric,
                ErrorMetric == ValidationError.OfSeveral ? "100 - mean average precision, %" : "top-1 error, %", 100)),
            HtmlFragment.Chart(Curve("Training loss", "train/loss", "loss", 1))]);
        var lambdas = Lambdas();
        yield return new("Dose and cost",
        [
            HtmlFragment.Table(Dose()),
            HtmlFragment.Paragraph("Replaced area: mean share of the pixels that came from a partner, over all training images. Share "
                + "mixed: share of the images that another image was mixed into. Step times are those of the runs as they were trained, "
                + $"{comparison.Jobs} at a time; they include waiting for data and any other load on the machine."),
            .. lambdas.Series.Count > 0 ? [HtmlFragment.Chart(lambdas)] : Array.Empty<HtmlFragment>(),
        ]);
    }

    /// <summary>The mean of a metric over the seeds, at each epoch.</summary>
    public IEnumerable<(int Epoch, Statistic Value)> PerEpoch(string method, string metric) =>
        comparison.Of(method).Select(run => Path.Combine(run.Folder, "metrics.jsonl")).Where(File.Exists).SelectMany(File.ReadLines)
            .Select(Parsed).OfType<JsonObject>()
            .Where(line => line["epoch"] is not null && line[metric] is not null)
            .GroupBy(line => (int)line["epoch"]!, line => (double)line[metric]!)
            .OrderBy(group => group.Key)
            .Select(group => (group.Key, Statistic.Of(group)));

    // A line that a crash cut off is ignored.
    private static JsonNode? Parsed(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Draws the sample standard deviation as a band.
    private LineChart Curve(string title, string metric, string axis, double scale) =>
        new(title, "epoch", axis, [.. comparison.Methods.Select(method => new ChartSeries(method,
            [.. PerEpoch(method, metric).Select(point =>
                new ChartPoint(point.Epoch, scale * point.Value.Mean, scale * point.Value.StandardDeviation))]))])
        {
            Least = 0,
        };

    private ResultTable Dose()
    {
        var baseline = comparison.Methods.Contains(Methods.Baseline) ? StepSeconds(Methods.Baseline) : (double?)null;
        string Share(string method, string metric) => PerEpoch(method, metric).Select(point => 100 * point.Value.Mean)
            .DefaultIfEmpty(double.NaN).Average() is var mean && mean > 0 ? Text(mean, "F1") : "";
        return new ResultTable([new("method"), new("replaced area, %", Alignment.Right), new("share mixed, %", Alignment.Right),
            new("ms per step", Alignment.Right), new("step time / baseline", Alignment.Right)],
            [.. comparison.Methods.Select(method => (IReadOnlyList<string>)
            [
                method, Share(method, "mix/replaced_area"), Share(method, "mix/share_mixed"), Text(1000 * StepSeconds(method), "F1"),
                baseline is { } plain ? Text(StepSeconds(method) / plain, "F2") : "",
            ])]);
    }

    private double StepSeconds(string method) =>
        comparison.Recipe.BatchSize * comparison.Recipe.Accumulate / PerEpoch(method, "images_per_second")
        .Select(point => point.Value.Mean).DefaultIfEmpty(double.NaN).Average();

    // Shares of the images by λ, in bins of one twentieth, with the distribution that λ was drawn from.
    private LineChart Lambdas()
    {
        var used = comparison.Methods.Select(method => (Method: method, Counts: Counts(method))).Where(one => one.Counts.Sum() > 0)
            .ToArray();
        var laws = used.Select(one => comparison.RecipeOf(one.Method).Stack.Mixer?.LambdaAlpha).OfType<double>()
            .Where(_ => comparison.Recipe.Strengths is null).Distinct();
        return new LineChart("λ as drawn and λ as used", "λ, the image's own weight", "images, %",
        [
            .. used.Select(one => new ChartSeries($"{one.Method}, used",
                [.. one.Counts.Select((count, bin) => new ChartPoint(Middle(bin), 100.0 * count / one.Counts.Sum()))])),
            .. laws.Select(alpha => new ChartSeries(string.Create(CultureInfo.InvariantCulture, $"Beta({alpha}, {alpha})"),
                [.. Beta(alpha).Select((share, bin) => new ChartPoint(Middle(bin), 100 * share))]) { Reference = true }),
        ]);
    }

    private static double Middle(int bin) => (bin + 0.5) / LambdaHistogram.Bins;

    private long[] Counts(string method)
    {
        var sums = new long[LambdaHistogram.Bins];
        foreach (var counts in comparison.Of(method).Select(run => run.Result.Lambdas).OfType<IReadOnlyList<long>>())
        {
            for (var bin = 0; bin < sums.Length; bin++)
                sums[bin] += counts[bin];
        }
        return sums;
    }

    // The mass of each bin. With x = sin²(t), the density x^(α-1)·(1-x)^(α-1) dx becomes 2·(sin t·cos t)^(2α-1) dt, which has no pole for α
    // of at least 1/2 and a mild one below.
    internal static double[] Beta(double alpha)
    {
        const int points = 20_000;
        var mass = new double[LambdaHistogram.Bins];
        for (var i = 0; i < points; i++)
        {
            var t = (i + 0.5) / points * Math.PI / 2;
            var x = Math.Sin(t) * Math.Sin(t);
            mass[Math.Min((int)(x * mass.Length), mass.Length - 1)] += Math.Pow(Math.Sin(t) * Math.Cos(t), 2 * alpha - 1);
        }
        var sum = mass.Sum();
        return [.. mass.Select(value => value / sum)];
    }

    private static string Text(double value, string format) =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "";
}
