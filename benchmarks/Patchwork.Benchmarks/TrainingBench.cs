using Patchwork.Models;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>A ratio with its name in JSON and a description for people.</summary>
/// <param name="Name">Name in JSON.</param>
/// <param name="Meaning">What is divided by what.</param>
/// <param name="Ratio">The ratio, round by round.</param>
public sealed record NamedRatio(string Name, string Meaning, SpeedRatio Ratio);

/// <summary>
/// Measures what precision, threads and scaled decoding gain on this machine, each in turn with the alternative. Threads and scaled
/// decoding should be measured on an idle machine and on a busy one: run the benchmark next to another program.
/// </summary>
public static class TrainingBench
{
    /// <summary>Measures all ratios, in about a minute and a half.</summary>
    public static IReadOnlyList<NamedRatio> Run()
    {
        var ratios = new List<NamedRatio>();
        var all = get_num_threads();
        if (Autocast.Best(CPU) == Precision.BFloat16)      // elsewhere it may be emulated: seconds per step
        {
            On(1, () => ratios.AddRange([Precisions("resnet8", TimeSpan.FromSeconds(6)), Precisions("resnet20", TimeSpan.FromSeconds(10)),
                EvaluationPrecisions(TimeSpan.FromSeconds(4))]));
        }
        if (all > 1)
        {
            ratios.Add(Threads("resnet8", batch: 32, all, TimeSpan.FromSeconds(6)));
            ratios.Add(Threads("resnet20", batch: 64, all, TimeSpan.FromSeconds(10)));
            ratios.Add(OnePicture(all, TimeSpan.FromSeconds(3)));
        }
        foreach (var threads in all > 1 ? (int[])[1, 2] : [1])
        {
            var ratio = PhotographBench.Measure(threads, TimeSpan.FromSeconds(8));
            ratios.Add(new($"photographs_scaled_over_whole_{threads}_threads", "images/s of a loader's epoch of 12-megapixel JPEG files, "
                + $"224×224, mixed by CutMix, {threads} decoding threads: decoded at a fraction of their size over whole", ratio));
        }
        return ratios;
    }

    private static NamedRatio Precisions(string model, TimeSpan budget)
    {
        using var exact = new TrainingSteps(model, 32, 64, Precision.Float32);
        using var near = new TrainingSteps(model, 32, 64, Precision.BFloat16);
        return new($"step_{model}_float32_over_bfloat16", $"{model} training step, batch 64, one thread",
            InTurn(budget, exact.Step, near.Step));
    }

    private static NamedRatio EvaluationPrecisions(TimeSpan budget)
    {
        using var scope = NewDisposeScope();
        using var model = Evaluated();
        var images = randn(100, 3, 32, 32);
        return new("evaluation_resnet8_float32_over_bfloat16", "resnet8's answers for 100 images, one thread",
            InTurn(budget, () => Answer(model, images, Precision.Float32), () => Answer(model, images, Precision.BFloat16)));
    }

    private static NamedRatio Threads(string model, int batch, int all, TimeSpan budget)
    {
        using var steps = new TrainingSteps(model, 32, batch, Precision.Auto);
        return new($"step_{model}_one_thread_over_{all}", $"{model} training step, batch {batch}: time on one thread over {all}",
            InTurn(budget, () => On(1, steps.Step), () => On(all, steps.Step)));
    }

    private static NamedRatio OnePicture(int all, TimeSpan budget)
    {
        using var scope = NewDisposeScope();
        using var model = Evaluated();
        var image = randn(1, 3, 32, 32);
        return new($"picture_{all}_threads_over_one", $"resnet8's answer for one picture: time on {all} threads over one",
            InTurn(budget, () => On(all, () => Answer(model, image, Precision.Float32)),
                () => On(1, () => Answer(model, image, Precision.Float32))));
    }

    private static ImageClassifier Evaluated()
    {
        var model = new SeedStream(1).Network(() => ModelZoo.Create("resnet8", 10));
        model.eval();
        return model;
    }

    private static void Answer(ImageClassifier model, Tensor images, Precision precision)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        model.Precision = precision;
        model.call(images);
    }

    private static void On(int threads, Action work)
    {
        var before = get_num_threads();
        set_num_threads(threads);
        try
        {
            work();
        }
        finally
        {
            set_num_threads(before);
        }
    }

    // Time of the first divided by that of the second. A few runs at a time, so that the first run after a switch has little weight.
    private static SpeedRatio InTurn(TimeSpan budget, Action first, Action second)
    {
        const int together = 4;
        double Time(Action work) => SpeedBench.Time(() =>
        {
            for (var i = 0; i < together; i++)
                work();
        });
        var ratios = new List<double>();
        SpeedBench.Repeat(budget, round =>
        {
            var ratio = Time(first) / Time(second);
            if (round > 0)
                ratios.Add(ratio);
        });
        return SpeedRatio.Of(ratios);
    }
}
