using System.Text.Json;
using Patchwork.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>
/// Compares TorchSharp's optimizers, whose steps the trainer reproduces bit for bit, with ten recorded steps of PyTorch on a quadratic.
/// </summary>
public sealed class OptimizerTests
{
    private const double Tolerance = 1e-8;

    public static TheoryData<int, string> Cases
    {
        get
        {
            using var vectors = Vectors.Open("optim.json");
            var rows = new TheoryData<int, string>();
            foreach (var (index, item) in vectors.RootElement.GetProperty("cases").EnumerateArray().Index())
                rows.Add(index, $"{item.GetProperty("name")} {item.GetProperty("parameters").GetRawText()}");
            return rows;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Ten_optimizer_steps_follow_the_recorded_path(int index, string description)
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors.Open("optim.json");
        var root = vectors.RootElement;
        var item = root.GetProperty("cases")[index];
        var w0 = root.GetProperty("w0").Numbers();
        var a = tensor(root.GetProperty("A").Numbers(), [w0.Length, w0.Length]);
        var b = tensor(root.GetProperty("b").Numbers());
        var w = new Parameter(tensor(w0));
        using var optimizer = Optimizer(item.GetProperty("name").GetString()!, item.GetProperty("parameters"), w);
        var path = item.GetProperty("w_after_step");
        var rates = item.GetProperty("parameters").TryGetProperty("lr_per_step", out var perStep) ? perStep.Numbers() : null;
        for (var step = 0; step < path.GetArrayLength(); step++)
        {
            if (rates is not null)
                foreach (var group in optimizer.ParamGroups)
                    group.LearningRate = rates[step];
            optimizer.zero_grad();
            var loss = w.mul(a.mv(w)).sum() / 2 - w.mul(b).sum();
            loss.backward();
            if (item.TryGetProperty("loss_before_step", out var losses))
                Assert.Equal(losses[step].GetDouble(), loss.item<double>(), Tolerance);
            optimizer.step();
            foreach (var (expected, actual) in path[step].Numbers().Zip(ReferenceFill.Values(w)))
                Assert.True(Math.Abs(expected - actual) <= Tolerance * Math.Max(1, Math.Abs(expected)),
                    $"{description}, step {step}: expected {expected:R}, received {actual:R}.");
        }
    }

    [Fact]
    public void Clipping_scales_the_gradient_to_the_recorded_values()
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors.Open("optim.json");
        var recorded = vectors.RootElement.GetProperty("clip_grad_norm");
        var gradient = recorded.GetProperty("gradient").Numbers();
        var w = new Parameter(zeros(gradient.Length, dtype: ScalarType.Float64));
        w.mul(tensor(gradient)).sum().backward();
        var norm = nn.utils.clip_grad_norm_([w], recorded.GetProperty("max_norm").GetDouble());
        Assert.Equal(recorded.GetProperty("total_norm").GetDouble(), norm, Tolerance);
        foreach (var (expected, actual) in recorded.GetProperty("clipped").Numbers().Zip(ReferenceFill.Values(w.grad!)))
            Assert.Equal(expected, actual, Tolerance);
    }

    private static optim.Optimizer Optimizer(string name, JsonElement options, Parameter w)
    {
        double Number(string key) => options.TryGetProperty(key, out var value) ? value.GetDouble() : 0;
        bool Flag(string key) => options.TryGetProperty(key, out var value) && value.GetBoolean();
        double Beta(int i) => options.GetProperty("betas")[i].GetDouble();
        return name switch
        {
            "SGD" => optim.SGD([w], Number("lr"), Number("momentum"), Number("dampening"), Number("weight_decay"), Flag("nesterov")),
            "SGD_lr_drop" => optim.SGD([w], 0.1, Number("momentum"), weight_decay: Number("weight_decay")),
            "Adam" => optim.Adam([w], Number("lr"), Beta(0), Beta(1), Number("eps"), Number("weight_decay"), Flag("amsgrad")),
            "AdamW" => optim.AdamW([w], Number("lr"), Beta(0), Beta(1), Number("eps"), Number("weight_decay"), Flag("amsgrad")),
            "RMSprop" => optim.RMSProp([w], Number("lr"), Number("alpha"), Number("eps"), momentum: Number("momentum")),
            _ => throw new ArgumentException($"No optimizer is called '{name}' here.", nameof(name)),
        };
    }
}
