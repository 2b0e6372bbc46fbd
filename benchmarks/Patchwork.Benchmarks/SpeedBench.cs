using System.Diagnostics;
using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>A ratio of two times that are measured in turn: its quartiles over the rounds.</summary>
public sealed record SpeedRatio(double LowerQuartile, double Median, double UpperQuartile, int Rounds)
{
    internal static SpeedRatio Of(List<double> ratios)
    {
        ratios.Sort();
        double At(double share) => ratios[(int)Math.Round(share * (ratios.Count - 1))];
        return new SpeedRatio(At(0.25), At(0.5), At(0.75), ratios.Count);
    }
}

/// <summary>
/// Measures the project's claims about speed as ratios of times taken in turn in one process, so that a noisy machine affects both alike.
/// Takes at most 45 seconds.
/// </summary>
public static class SpeedBench
{
    /// <summary>
    /// Time of CutMix in place on 256×3×224×224 floats with a box of half the area, divided by that of one <c>copy_</c> of the batch; and
    /// time of the usual way, <c>x[:, :, box] = x[permutation][:, :, box]</c>, divided by that of CutMix in place.
    /// </summary>
    public static (SpeedRatio InPlaceOverCopy, SpeedRatio UsualOverInPlace) InPlace(TimeSpan budget)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        const int n = 256, side = 224;
        var images = rand(n, 3, side, side);
        var target = empty_like(images);
        var cut = (int)(side * Math.Sqrt(0.5));
        var box = new Box((side - cut) / 2, (side - cut) / 2, (side - cut) / 2 + cut, (side - cut) / 2 + cut);
        var permutation = new SeedStream(1).Open("bench").Permutation(n);
        var region = new BoxRegion(box);
        var lambda = region.KeptShare(side, side);
        var plan = new MixPlan("cutmix", side, side, [.. permutation.Select(p => new ImagePlan(p, region, lambda, lambda))],
            new StreamId(1, "bench", 0, 0));
        var index = tensor(permutation.Select(p => (long)p).ToArray());
        var cutmix = new CutMix();
        var (overCopy, overInPlace) = (new List<double>(), new List<double>());
        Repeat(budget, round =>
        {
            var copy = Time(() => target.copy_(images));
            var inPlace = Time(() => cutmix.ApplyInPlace(images, plan));
            var usual = Time(() =>
            {
                using var permuted = images.index_select(0, index);
                using var patch = permuted.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width);
                using var window = images.narrow(2, box.Top, box.Height).narrow(3, box.Left, box.Width);
                window.copy_(patch);
            });
            if (round == 0)
                return;      // the first round touches memory for the first time
            overCopy.Add(inPlace / copy);
            overInPlace.Add(usual / inPlace);
        });
        return (SpeedRatio.Of(overCopy), SpeedRatio.Of(overInPlace));
    }

    /// <summary>
    /// Measures what CutMix adds to a training step of ResNet-20 at batch size 128: one plus the time of mixing divided by the time of the
    /// step without it.
    /// </summary>
    public static SpeedRatio Step(TimeSpan budget)
    {
        const int n = 128;
        var seeds = new SeedStream(1);
        seeds.SeedTorch("bench");
        using var scope = NewDisposeScope();
        using var model = ModelZoo.Create("resnet20", 10);
        using var optimizer = new Sgd().Create(model);
        var images = rand(n, 3, 32, 32);
        var labels = randint(10, [n]);
        var cutmix = new CutMix();
        var loss = new CrossEntropy();
        var ratios = new List<double>();
        Repeat(budget, round =>
        {
            using var step = NewDisposeScope();
            MixPlan? plan = null;
            PairTargets? targets = null;
            var mixing = Time(() =>
            {
                plan = cutmix.Plan(MixContext.Of(images, seeds.Open("mix", 0, round)));
                cutmix.ApplyInPlace(images, plan);
                targets = PairTargets.Of(labels, plan);
            });
            model.zero_grad();
            var logits = model.call(images);
            var plainLoss = Time(() => loss.Evaluate(logits, labels));
            Tensor? mixed = null;
            var pairLoss = Time(() => mixed = targets!.Loss(logits, loss));
            var rest = Time(() =>
            {
                mixed!.backward();
                optimizer.step();
            });
            var forward = Time(() => model.call(images));
            if (round > 0)
                ratios.Add(1 + (mixing + Math.Max(0, pairLoss - plainLoss)) / (forward + plainLoss + rest));
        });
        return SpeedRatio.Of(ratios);
    }

    /// <summary>
    /// Time of a loader's epoch with CutMix divided by that without, on the caller's thread: JPEG pictures are decoded and resized to
    /// 224×224 as in training on photographs.
    /// </summary>
    public static SpeedRatio Loader(TimeSpan budget)
    {
        using var pictures = new BenchPictures();
        return Loader(pictures.Open(), batchSize: 32, budget);
    }

    /// <summary>
    /// The same ratio when nothing hides the cost: 10,000 images of 32×32 in memory, which are read, cropped and mirrored in about a
    /// microsecond each.
    /// </summary>
    public static SpeedRatio LoaderInMemory(TimeSpan budget) => Loader(new NoiseImages(10_000), batchSize: 128, budget);

    private static SpeedRatio Loader(Dataset images, int batchSize, TimeSpan budget)
    {
        var seeds = new SeedStream(1);
        var options = new LoaderOptions { BatchSize = batchSize, Augmentation = new CropFlip(), Threads = 0 };
        using var plain = new BatchLoader(images, seeds, options);
        using var mixing = new BatchLoader(images, seeds, options) { Planner = new CutMix() };
        var ratios = new List<double>();
        Repeat(budget, round =>
        {
            // The order alternates from round to round.
            var (first, second) = round % 2 == 0 ? (plain, mixing) : (mixing, plain);
            var times = (First: Time(() => Drain(first, round)), Second: Time(() => Drain(second, round)));
            if (round > 1)
                ratios.Add(round % 2 == 0 ? times.Second / times.First : times.First / times.Second);
        });
        return SpeedRatio.Of(ratios);
    }

    internal static void Drain(BatchLoader loader, int epoch)
    {
        foreach (var _ in loader.Epoch(epoch))
        {
        }
    }

    internal static void Repeat(TimeSpan budget, Action<int> round) => Repeat(budget, least: 7, round);

    internal static void Repeat(TimeSpan budget, int least, Action<int> round)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < least || clock.Elapsed < budget; i++)
            round(i);
    }

    internal static double Time(Action work)
    {
        var started = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Images of CIFAR's size, filled once; speed does not depend on their content.</summary>
    private sealed class NoiseImages : Dataset
    {
        private readonly byte[] pixels;

        public NoiseImages(int count)
        {
            Count = count;
            pixels = new byte[(long)count * 3 * 32 * 32];
            for (var i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)(i * 167);
        }

        public override int Count { get; }

        public override int Channels => 3;

        public override int Height => 32;

        public override int Width => 32;

        public override IReadOnlyList<string> ClassNames { get; } = ["noise"];

        public override Normalization Normalization { get; } = new([0.5f, 0.5f, 0.5f], [0.25f, 0.25f, 0.25f]);

        public override int Label(int index) => 0;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => pixels.AsSpan(index * ImageBytes, ImageBytes);
    }
}
