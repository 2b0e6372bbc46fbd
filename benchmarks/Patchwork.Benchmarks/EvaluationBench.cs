using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Models;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>The cost of a suite compared with the passes through the network that it makes.</summary>
/// <param name="Suite">Id of the suite.</param>
/// <param name="Forward">Number of images in forward passes.</param>
/// <param name="Backward">Number of images in forward and backward passes, back to the pixels.</param>
/// <param name="Seconds">Median time of the suite.</param>
/// <param name="OverPasses">The suite's time divided by that of the same number of bare passes in batches of the same size.</param>
public sealed record EvaluationCost(string Suite, long Forward, long Backward, double Seconds, SpeedRatio OverPasses);

/// <summary>
/// The cost of evaluation: the time of each suite on test images of <c>shapes</c>, divided by that of the bare passes through the same
/// network that it needs. Suites and bare passes are timed in turn.
/// </summary>
public static class EvaluationBench
{
    /// <summary>Id of the data set that the suites are measured on.</summary>
    public static string DatasetId => "shapes";

    /// <summary>Measures all suites that need only a network and a test set. The first round is discarded.</summary>
    /// <param name="modelId">Id of the network.</param>
    /// <param name="images">Number of test images. Range: at least 10.</param>
    /// <param name="rounds">Number of rounds, including the first. Range: at least 2.</param>
    public static IReadOnlyList<EvaluationCost> Run(string modelId, int images, int rounds)
    {
        var data = DatasetCatalogue.Open(DatasetId, new DataOptions());
        new SeedStream(1).SeedTorch("bench");
        using var model = ModelZoo.Create(modelId, data.Test.ClassNames.Count);
        using var network = new Counting(model);
        var subject = new Subject(network, StratifiedSplit.Some(data.Test, images), new SeedStream(0))
        {
            Validation =
            StratifiedSplit.Some(data.Train, Math.Max(10, images / 5))
        };
        var suites = Suites.All.Where(suite => suite.Missing(data.Test) is null).ToArray();
        var times = suites.ToDictionary(suite => suite, _ => (Seconds: new List<double>(), Ratios: new List<double>()));
        var counts = new Dictionary<Suite, (long Forward, long Backward)>();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var suite in suites)
            {
                var (forward, backward) = BarePasses(model, subject);      // seconds per image
                (network.Forwards, network.Backwards) = (0, 0);
                var seconds = SpeedBench.Time(() => suite.Measure(subject));
                counts[suite] = (network.Forwards, network.Backwards);
                if (round == 0)
                    continue;
                times[suite].Seconds.Add(seconds);
                times[suite].Ratios.Add(seconds / (network.Forwards * forward + network.Backwards * backward));
            }
        }
        return [.. suites.Select(suite =>
            new EvaluationCost(suite.Id, counts[suite].Forward, counts[suite].Backward, times[suite].Seconds.Order()
            .ElementAt(times[suite].Seconds.Count / 2), SpeedRatio.Of(times[suite].Ratios)))];
    }

    private static (double Forward, double Backward) BarePasses(nn.Module<Tensor, Tensor> model, Subject subject)
    {
        const int repeats = 4;
        using var scope = NewDisposeScope();
        model.eval();
        var batches = subject.Batches(subject.Test).Select(batch => (Images: batch.Images.clone(), Labels: batch.Labels.clone())).ToArray();
        double Each(Func<Tensor, Tensor, Tensor> pass) => SpeedBench.Time(() =>
        {
            for (var i = 0; i < repeats; i++)
            {
                foreach (var (images, labels) in batches)
                {
                    using var inner = NewDisposeScope();
                    pass(images, labels);
                }
            }
        }) / repeats / subject.Test.Count;
        var forward = Each((images, _) =>
        {
            using var noGradient = no_grad();
            return model.call(images);
        });
        var backward = Each((images, labels) =>
        {
            var input = images.detach().requires_grad_();
            return autograd.grad([nn.functional.cross_entropy(model.call(input), labels)], [input])[0];
        });
        return (forward, backward);
    }

    /// <summary>A network that counts its images; images that it sees with gradients enabled count as backward passes too.</summary>
    private sealed class Counting : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> inner;

        public Counting(nn.Module<Tensor, Tensor> inner) : base("counting")
        {
            this.inner = inner;
            RegisterComponents();
        }

        public long Forwards { get; set; }

        public long Backwards { get; set; }

        public override Tensor forward(Tensor input)
        {
            if (is_grad_enabled())
                Backwards += input.size(0);
            else
                Forwards += input.size(0);
            return inner.call(input);
        }
    }
}
