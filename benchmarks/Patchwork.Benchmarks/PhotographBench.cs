using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Randomness;

namespace Patchwork.Benchmarks;

/// <summary>Images per second of a loader's pipeline on photographs of 12 megapixels, with scaled decoding and without.</summary>
/// <param name="Threads">Threads of the loader.</param>
/// <param name="Scaled">Images per second with scaled decoding, median.</param>
/// <param name="Whole">Images per second where the whole picture is decoded, median.</param>
/// <param name="Ratio">With scaled decoding over without, round by round.</param>
public sealed record PhotographSpeed(int Threads, double Scaled, double Whole, SpeedRatio Ratio);

/// <summary>
/// What scaled decoding saves: JPEG files of 3072×4096 are read from disk, decoded, resized to 224×224, cropped, mirrored, mixed by CutMix
/// and normalized, with scaled decoding and without in turn.
/// </summary>
public static class PhotographBench
{
    /// <summary>
    /// Measures on a number of threads. Beyond the budget it takes two seconds to make the photographs, and at least five rounds: six
    /// seconds on one thread with libturbojpeg, 13 without.
    /// </summary>
    public static PhotographSpeed Measure(int threads, TimeSpan budget)
    {
        using var photographs = new BenchPhotographs();
        using var scaled = Loader(photographs.Open(scaledDecoding: true), threads);
        using var whole = Loader(photographs.Open(scaledDecoding: false), threads);
        var images = scaled.Dataset.Count;
        var (fast, slow, ratios) = (new List<double>(), new List<double>(), new List<double>());
        SpeedBench.Repeat(budget, least: 5, round =>
        {
            var scaledTime = SpeedBench.Time(() => SpeedBench.Drain(scaled, round));
            var wholeTime = SpeedBench.Time(() => SpeedBench.Drain(whole, round));
            if (round == 0)
                return;      // compiles the code and brings the files into memory
            fast.Add(images / scaledTime);
            slow.Add(images / wholeTime);
            ratios.Add(wholeTime / scaledTime);
        });
        return new PhotographSpeed(threads, JpegBench.Median(fast), JpegBench.Median(slow), SpeedRatio.Of(ratios));
    }

    private static BatchLoader Loader(Dataset images, int threads) => new(images, new SeedStream(1), new LoaderOptions
    {
        BatchSize = 4,      // so that two threads have one each
        Augmentation = new CropFlip(),
        Threads = threads,
    })
    { Planner = new CutMix() };
}
