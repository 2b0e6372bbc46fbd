using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Randomness;

namespace Patchwork.Benchmarks;

/// <summary>
/// Measures what scaled decoding saves: JPEG files of 3072×4096 are read from disk, decoded, resized to 224×224, cropped, mirrored, mixed
/// by CutMix and normalized, with and without scaled decoding in turn.
/// </summary>
public static class PhotographBench
{
    /// <summary>
    /// Images per second with scaled decoding divided by those without, on a number of loader threads. In addition to the budget, creating
    /// the photographs takes two seconds. At least five rounds run: six seconds on one thread with libturbojpeg, 13 without.
    /// </summary>
    public static SpeedRatio Measure(int threads, TimeSpan budget)
    {
        using var photographs = new BenchPhotographs();
        using var scaled = Loader(photographs.Open(scaledDecoding: true), threads);
        using var whole = Loader(photographs.Open(scaledDecoding: false), threads);
        var ratios = new List<double>();
        SpeedBench.Repeat(budget, least: 5, round =>
        {
            var scaledTime = SpeedBench.Time(() => SpeedBench.Drain(scaled, round));
            var wholeTime = SpeedBench.Time(() => SpeedBench.Drain(whole, round));
            if (round > 0)      // the first one compiles the code and loads the files into memory
                ratios.Add(wholeTime / scaledTime);
        });
        return SpeedRatio.Of(ratios);
    }

    private static BatchLoader Loader(Dataset images, int threads) => new(images, new SeedStream(1), new LoaderOptions
    {
        BatchSize = 4,      // so that each of two threads gets a batch
        Augmentation = new CropFlip(),
        Threads = threads,
    })
    { Planner = new CutMix() };
}
