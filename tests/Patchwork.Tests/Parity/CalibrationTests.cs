using System.Text.Json;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>
/// Compares calibration errors and temperatures with values recorded from the public temperature_scaling code and with an independently
/// computed optimum.
/// </summary>
public sealed class CalibrationTests
{
    private sealed record Case(string Name, float[][] Logits, int[] Labels, JsonElement Values)
    {
        // Softmax in single precision, like the reference: rounding decides on which side of a bin edge a confidence falls.
        public float[] Confidences { get; } = [.. Softmax(Logits).Select(row => row.Max())];

        public bool[] Correct { get; } = [.. Logits.Zip(Labels, (row, label) => Array.IndexOf(row, row.Max()) == label)];

        public double this[string name] => Values.GetProperty(name).Numbers()[0];
    }

    public static TheoryData<string> Names
    {
        get
        {
            using var vectors = Vectors.Open("calibration.json");
            return [.. vectors.RootElement.GetProperty("cases").EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Calibration_errors_and_bins_match_the_recorded_ones(string name)
    {
        var one = Read(name);
        foreach (var bins in (int[])[10, 15, 20])
            Assert.Equal(one[$"ece_{bins}_bins"],
                CalibrationError.Expected(CalibrationError.EqualWidth(one.Confidences, one.Correct, bins)), 2e-6);
        var diagram = CalibrationError.EqualWidth(one.Confidences, one.Correct);
        Assert.Equal(one["mce_15_bins"], CalibrationError.Maximum(diagram), 2e-6);
        foreach (var (bin, recorded) in diagram.Zip(one.Values.GetProperty("bins_15").EnumerateArray()))
        {
            Assert.Equal(recorded.GetProperty("count").GetInt64(), bin.Count);
            Assert.Equal(recorded.GetProperty("upper").GetDouble(), bin.Upper, 2e-9);
            if (bin.Count > 0)
                Assert.Equal(recorded.GetProperty("accuracy").GetDouble(), bin.Accuracy, 1e-7);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Fitted_temperature_matches_the_recorded_optimum(string name)
    {
        var one = Read(name);
        var temperature = TemperatureScaling.Fit(one.Logits, one.Labels);
        if (one.Values.GetProperty("temperature_optimal").ValueKind == JsonValueKind.Null)
            Assert.Equal(1, temperature);
        else
        {
            Assert.Equal(1, temperature / one["temperature_optimal"], 1e-6);
            Assert.Equal(one["nll_at_optimal_f64"], TemperatureScaling.NegativeLogLikelihood(one.Logits, one.Labels, temperature), 1e-7);
        }
        Assert.Equal(one["nll_f64"], TemperatureScaling.NegativeLogLikelihood(one.Logits, one.Labels, 1),
            1e-7 * Math.Max(1, one["nll_f64"]));
    }

    private static Case Read(string name)
    {
        using var vectors = Vectors.Open("calibration.json");
        var item = vectors.RootElement.GetProperty("cases").EnumerateArray().Single(item => item.GetProperty("name").GetString() == name)
            .Clone();
        return new Case(name, [.. item.GetProperty("logits").EnumerateArray()
            .Select(row => row.Numbers().Select(value => (float)value).ToArray())],
            [.. item.GetProperty("labels").Numbers().Select(label => (int)label)], item);
    }

    private static float[][] Softmax(float[][] logits)
    {
        using var scope = NewDisposeScope();
        return [.. logits.Select(row => tensor(row).softmax(0).data<float>().ToArray())];
    }
}
