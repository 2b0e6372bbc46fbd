using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>calibration</c>: whether the network's confidence matches its accuracy, as trained and with a temperature fitted on the validation
/// images.
/// </summary>
public sealed record CalibrationSuite : Suite
{
    /// <inheritdoc/>
    public override string Id => "calibration";

    /// <inheritdoc/>
    public override string Title => "Calibration";

    /// <inheritdoc/>
    public override string Summary =>
        "Expected and adaptive calibration error, Brier score, reliability, temperature fitted on the validation split.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("ece", "calibration error, %"),
        new("scaled_ece", "calibration error, %, temperature-scaled"),
        new("overconfidence", "confidence minus accuracy, %", LowerIsBetter: null),
        new("brier", "Brier score", Percent: false),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts =>
    [
        new ReliabilityDiagram("reliability", "Reliability as trained"),
        new ReliabilityDiagram("scaled_reliability", "Reliability with the fitted temperature"),
    ];

    /// <inheritdoc/>
    public override bool UsesValidation => true;

    /// <inheritdoc/>
    public override bool TakesSeveralLabels => true;

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        var result = new SuiteResult();
        if (subject.Test.IsMultiLabel)
        {
            MeasureLabels(subject, result);
            return result;
        }
        var temperature = 1.0;
        var parts = subject.Validation is null ? 1 : 2;
        if (subject.Validation is { } validation)
        {
            var seenThere = LabelledLogits.Of(subject, validation, 0, parts);
            temperature = TemperatureScaling.Fit(seenThere.Logits, seenThere.Labels);
            result.Add("temperature", temperature, null, seenThere.Labels.Count);
        }
        var seen = LabelledLogits.Of(subject, subject.Test, parts - 1, parts);
        var plain = Confidences(seen.Logits, seen.Labels, 1);
        AddErrors(subject, result, plain, "");
        result.AddMean("brier", plain.Brier, subject.Seeds);
        result.AddMean("overconfidence",
            [.. plain.Largest.Zip(plain.Correct, (confidence, correct) => confidence - (correct ? 1.0 : 0.0))], subject.Seeds);
        if (subject.Validation is not null)
        {
            var scaled = Confidences(seen.Logits, seen.Labels, temperature);
            AddErrors(subject, result, scaled, "scaled_");
            result.AddMean("scaled_brier", scaled.Brier, subject.Seeds);
        }
        return result;
    }

    // Each label of each image counts as a separate forecast.
    private static void MeasureLabels(Subject subject, SuiteResult result)
    {
        var scores = SeveralLabels.Scores(subject, subject.Network, subject.Test);
        var forecasts = new Confident([.. scores.Forecasts.Select(one => one.Probability)], [.. scores.Forecasts.Select(one => one.Shows)],
            scores.BrierScores());
        AddErrors(subject, result, forecasts, "");
        result.AddMean("brier", forecasts.Brier, subject.Seeds);
        result.AddMean("overconfidence", [.. scores.Forecasts.Select(one => one.Probability - (one.Shows ? 1.0 : 0.0))], subject.Seeds);
        result.AddNote("Images with several labels: every label of every image counts as a separate forecast; no temperature is fitted.");
    }

    private static void AddErrors(Subject subject, SuiteResult result, Confident images, string prefix)
    {
        var bins = CalibrationError.EqualWidth(images.Largest, images.Correct);
        // A gap is an absolute value, so resampled errors are too high on average; the interval is shifted back by this bias.
        var (error, sum) = (CalibrationError.Expected(bins), 0.0);
        var interval = Bootstrap.Of(images.Largest.Length, subject.Seeds.Open($"bootstrap {prefix}ece"), times =>
        {
            var resampled = CalibrationError.Expected(CalibrationError.EqualWidth(images.Largest, images.Correct, times: times));
            sum += resampled;
            return [resampled];
        })[0];
        var bias = sum / Bootstrap.Resamples - error;
        result.Add($"{prefix}ece", error, new Interval(Math.Max(0, interval.Low - bias), interval.High - bias), images.Largest.Length);
        result.Add($"{prefix}mce", CalibrationError.Maximum(bins), null, images.Largest.Length);
        result.Add($"{prefix}adaptive_ece", CalibrationError.Expected(CalibrationError.EqualMass(images.Largest, images.Correct)), null,
            images.Largest.Length);
        result.AddTable($"{prefix}reliability",
            bins.Select(bin =>
            new[] { bin.Lower, bin.Upper, bin.Count, bin.Count == 0 ? 0 : bin.Confidence, bin.Count == 0 ? 0 : bin.Accuracy }));
    }

    private sealed record Confident(float[] Largest, bool[] Correct, double[] Brier);

    private static Confident Confidences(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels, double temperature)
    {
        var (largest, correct, brier) = (new float[logits.Count], new bool[logits.Count], new double[logits.Count]);
        for (var i = 0; i < logits.Count; i++)
        {
            var top = logits[i].Max();
            var weights = logits[i].Select(value => Math.Exp((value - (double)top) / temperature)).ToArray();
            var sum = weights.Sum();
            largest[i] = (float)(1 / sum);
            correct[i] = Array.IndexOf(logits[i], top) == labels[i];      // the first of equal logits, as everywhere
            brier[i] = weights.Select((weight, k) => weight / sum - (k == labels[i] ? 1 : 0)).Sum(difference => difference * difference);
        }
        return new Confident(largest, correct, brier);
    }
}
