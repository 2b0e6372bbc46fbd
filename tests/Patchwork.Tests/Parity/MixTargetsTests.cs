using System.Text.Json;
using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

public sealed class MixTargetsTests
{
    private const double Tolerance = 2e-6;

    [Theory]
    [InlineData("batch")]
    [InlineData("sample")]
    public void Pair_loss_and_soft_loss_equal_the_recorded_ones_for_every_reduction(string scope)
    {
        using var file = Vectors.Open("mix_targets.json");
        foreach (var one in file.RootElement.GetProperty("losses").EnumerateArray())
        {
            using var disposing = NewDisposeScope();
            var (targets, logits, k) = Case(one, scope);
            foreach (var reduction in Enum.GetValues<Reduction>())
            {
                var loss = new CrossEntropy { Reduction = reduction, LabelSmoothing = one.GetProperty("smoothing").GetDouble() };
                var name = $"{scope}_{reduction.ToString().ToLowerInvariant()}";
                Near(one.GetProperty("pair_" + name), targets.Loss(logits, loss));
                Near(one.GetProperty("soft_" + name), loss.Evaluate(logits, targets.Soft(k)));
                Near(one.GetProperty("fastai_lerp_" + name), targets.Loss(logits, loss));
            }
        }
    }

    [Theory, InlineData("batch"), InlineData("sample")]
    public void Class_weighted_losses_equal_the_recorded_ones_with_either_divisor(string scope)
    {
        using var file = Vectors.Open("mix_targets.json");
        foreach (var one in file.RootElement.GetProperty("losses").EnumerateArray())
        {
            using var disposing = NewDisposeScope();
            var (targets, logits, k) = Case(one, scope);
            foreach (var reduction in Enum.GetValues<Reduction>())
            {
                var name = $"weighted_{scope}_{reduction.ToString().ToLowerInvariant()}";
                var loss = new CrossEntropy
                {
                    Reduction = reduction,
                    LabelSmoothing = one.GetProperty("smoothing").GetDouble(),
                    ClassWeights = one.GetProperty("class_weight").Numbers(),
                    DivideByWeights = scope == "batch",      // the recording with one λ per sample has the plain mean
                };
                Near(one.GetProperty("pair_" + name), targets.Loss(logits, loss));
                Near(one.GetProperty("soft_" + name), loss.Evaluate(logits, targets.Soft(k)));
            }
        }
    }

    [Theory, InlineData("batch"), InlineData("sample")]
    public void Binary_cross_entropy_and_soft_targets_equal_those_of_timm(string scope)
    {
        using var file = Vectors.Open("mix_targets.json");
        foreach (var one in file.RootElement.GetProperty("losses").EnumerateArray())
        {
            using var disposing = NewDisposeScope();
            var (targets, logits, k) = Case(one, scope);
            var smoothing = one.GetProperty("smoothing").GetDouble();
            var smoothed = targets.Soft(k, labelSmoothing: smoothing);
            Near(one.GetProperty($"timm_softtarget_{scope}"), new CrossEntropy().Evaluate(logits, smoothed));
            Near(one.GetProperty($"timm_bce_{scope}"), new BinaryCrossEntropy().Evaluate(logits, smoothed));
            Near(one.GetProperty($"timm_bce_{scope}"), targets.Loss(logits, new BinaryCrossEntropy { LabelSmoothing = smoothing }));
            Near(one.GetProperty($"timm_bce_sum_classes_{scope}"), new BinaryCrossEntropy { SumClasses = true }.Evaluate(logits, smoothed));
            Near(one.GetProperty($"timm_bce_threshold_0_2_{scope}"), new BinaryCrossEntropy { Threshold = 0.2 }.Evaluate(logits, smoothed));
        }
    }

    [Fact]
    public void Gradients_equal_the_recorded_ones()
    {
        using var file = Vectors.Open("mix_targets.json");
        foreach (var one in file.RootElement.GetProperty("losses").EnumerateArray())
        {
            using var disposing = NewDisposeScope();
            var (n, k) = (one.GetProperty("B").GetInt32(), one.GetProperty("K").GetInt32());
            var loss = new CrossEntropy { LabelSmoothing = one.GetProperty("smoothing").GetDouble() };
            Tensor Gradient(double[] lambdas)
            {
                var logits = tensor(one.GetProperty("logits").Numbers()).to(ScalarType.Float32).reshape(n, k).requires_grad_(true);
                Targets(one, lambdas).Loss(logits, loss).backward();
                return logits.grad!;
            }
            Near(one.GetProperty("grad_pair_batch_mean"), Gradient([.. Enumerable.Repeat(one.GetProperty("lambda_batch").GetDouble(), n)]));
            Near(one.GetProperty("grad_soft_sample_mean"), Gradient(one.GetProperty("lambda_sample").Numbers()));
        }
    }

    [Fact]
    public void Soft_targets_equal_those_of_timm_and_other_systems()
    {
        using var file = Vectors.Open("mix_targets.json");
        JsonElement[] cases = [.. file.RootElement.GetProperty("timm_mixup_target").EnumerateArray(),
            .. file.RootElement.GetProperty("other_systems").EnumerateArray()];
        Assert.Equal(32, cases.Length);
        foreach (var one in cases)
        {
            using var disposing = NewDisposeScope();
            var classes = one.GetProperty("num_classes").GetInt32();
            var labels = one.TryGetProperty("labels", out var ids) ? tensor(ids.Numbers().Select(x => (long)x).ToArray())
                : tensor(one.GetProperty("soft_labels").Numbers()).to(ScalarType.Float32).reshape(-1, classes);
            var partners = tensor(one.GetProperty("partners").Numbers().Select(x => (long)x).ToArray());
            var lambdas = one.GetProperty("lambda").Numbers();
            if (lambdas.Length == 1)
                lambdas = [.. Enumerable.Repeat(lambdas[0], (int)labels.size(0))];
            var smoothing = one.TryGetProperty("smoothing", out var given) ? given.GetDouble() : 0;
            Near(one.GetProperty("target"), new PairTargets(labels, labels.index_select(0, partners), lambdas)
                .Soft(classes, labelSmoothing: smoothing));
        }
    }

    [Fact]
    public void Weighted_hits_count_lambda_for_the_images_own_class_and_the_rest_for_the_partners()
    {
        using var disposing = NewDisposeScope();
        var targets = new PairTargets(tensor(new long[] { 0, 0, 1, 1 }), tensor(new long[] { 1, 1, 1, 0 }), [0.75, 0.75, 0.3, 0.6]);
        var logits = tensor(new float[,] { { 9, 0, 0 }, { 0, 9, 0 }, { 0, 9, 0 }, { 0, 0, 9 } });
        Assert.Equal(0.75 + 0.25 + 1.0 + 0.0, targets.WeightedHits(logits), 1e-12);
    }

    private static (PairTargets Targets, Tensor Logits, int Classes) Case(JsonElement one, string scope)
    {
        var (n, k) = (one.GetProperty("B").GetInt32(), one.GetProperty("K").GetInt32());
        double[] lambdas = scope == "batch" ? [.. Enumerable.Repeat(one.GetProperty("lambda_batch").GetDouble(), n)]
            : one.GetProperty("lambda_sample").Numbers();
        return (Targets(one, lambdas), tensor(one.GetProperty("logits").Numbers()).to(ScalarType.Float32).reshape(n, k), k);
    }

    private static PairTargets Targets(JsonElement one, double[] lambdas)
    {
        long[] Ids(string name) => [.. one.GetProperty(name).Numbers().Select(x => (long)x)];
        return new PairTargets(tensor(Ids("labels_a")), tensor(Ids("labels_b")), lambdas);
    }

    private static void Near(JsonElement expected, Tensor actual)
    {
        var values = actual.to(ScalarType.Float64).contiguous().reshape(-1).data<double>().ToArray();
        var recorded = expected.Numbers();
        Assert.Equal(recorded.Length, values.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(recorded[i], values[i], Tolerance * Math.Max(1, Math.Abs(recorded[i])));
    }
}
