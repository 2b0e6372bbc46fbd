using System.Text.Json;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>Compares detection metrics with scikit-learn, and scores with the public energy and ODIN code.</summary>
public sealed class OutDetectionTests
{
    public static TheoryData<int, string> Cases
    {
        get
        {
            using var vectors = Vectors.Open("ood_metrics.json");
            var rows = new TheoryData<int, string>();
            foreach (var (index, item) in vectors.RootElement.GetProperty("cases").EnumerateArray().Index())
                rows.Add(index, item.GetProperty("name").GetString()!);
            return rows;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Detection_metrics_match_those_of_scikit_learn(int index, string name)
    {
        Assert.NotEmpty(name);
        using var vectors = Vectors.Open("ood_metrics.json");
        var item = vectors.RootElement.GetProperty("cases")[index];
        var recorded = item.GetProperty("sklearn");
        var metrics = new OutDetection(item.GetProperty("scores_in").Numbers(), item.GetProperty("scores_out").Numbers()).Metrics();
        Assert.Equal(recorded.GetProperty("auroc").GetDouble(), metrics.Auroc, 1e-8);
        Assert.Equal(recorded.GetProperty("tnr_at_first_tpr_ge_95").GetDouble(), metrics.TnrAt95Tpr, 1e-8);
        Assert.Equal(recorded.GetProperty("detection_accuracy").GetDouble(), metrics.DetectionAccuracy, 1e-8);
        Assert.Equal(recorded.GetProperty("aupr_in_average_precision").GetDouble(), metrics.AuprIn, 1e-8);
        Assert.Equal(recorded.GetProperty("aupr_out_average_precision").GetDouble(), metrics.AuprOut, 1e-8);
        if (!item.GetProperty("has_ties").GetBoolean())      // without ties the code of Lee et al. agrees
            Assert.Equal(item.GetProperty("lee18").GetProperty("auroc").GetDouble(), metrics.Auroc, 1e-8);
    }

    [Fact]
    public void Scores_of_logits_match_the_recorded_ones()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors.Open("ood_metrics.json");
        using var model = new PixelModel(nn.Identity(), new Normalization([0], [1]));
        foreach (var item in vectors.RootElement.GetProperty("scores_from_logits").EnumerateArray())
        {
            var rows = item.GetProperty("logits").GetArrayLength();
            var logits = tensor(item.GetProperty("logits").Numbers()).reshape(rows, -1).to(ScalarType.Float32);
            Near(item.GetProperty("msp"), new MaxSoftmax().Of(model, logits, logits), 2e-6);
            foreach (var temperature in (double[])[1, 2, 10, 1000])
                Near(item.GetProperty($"energy_T{temperature}_f64"), -new Energy { Temperature = temperature }.Of(model, logits, logits),
                    1e-8);
        }
    }

    [Fact]
    public void Odin_scores_match_those_of_the_public_code()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors.Open("ood_metrics.json");
        foreach (var item in vectors.RootElement.GetProperty("odin_linear").EnumerateArray())
        {
            var (classes, height, width) =
                (item.GetProperty("K").GetInt32(), item.GetProperty("H").GetInt32(), item.GetProperty("W").GetInt32());
            using var linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * height * width, classes));
            var parameters = linear.parameters().ToArray();
            using (no_grad())
            {
                parameters[0].copy_(tensor(item.GetProperty("weight").Numbers()).reshape(classes, -1));
                parameters[1].copy_(tensor(item.GetProperty("bias").Numbers()));
            }
            // The reference divides its step by the same standard deviations as the pixels, so its step in pixels is ε too.
            using var model = new PixelModel(linear, new Normalization([0, 0, 0], [63f / 255, 62.1f / 255, 66.7f / 255]));
            var deviation = tensor(model.Normalization.StandardDeviation.ToArray()).reshape(1, 3, 1, 1);
            var pixels = tensor(item.GetProperty("x").Numbers()).reshape(-1, 3, height, width).to(ScalarType.Float32) * deviation;
            var odin = new Odin
            {
                Temperature = item.GetProperty("temperature").GetDouble(),
                Epsilon =
                Math.Max(item.GetProperty("epsilon").GetDouble(), 1e-300)
            };
            Near(item.GetProperty("score_max_softmax"), odin.Of(model, pixels, model.Logits(pixels)), 2e-6);
        }
    }

    private static void Near(JsonElement expected, Tensor actual, double tolerance)
    {
        foreach (var (a, b) in expected.Numbers().Zip(actual.to(ScalarType.Float64).data<double>().ToArray()))
            Assert.Equal(a, b, tolerance * Math.Max(1, Math.Abs(a)));
    }
}
