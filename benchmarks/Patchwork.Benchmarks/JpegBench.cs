using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Mixing;
using Patchwork.Randomness;
using SkiaSharp;

namespace Patchwork.Benchmarks;

/// <summary>
/// Images per second of Patchwork's JPEG decoding, of the whole pipeline around it, and of libturbojpeg alone, measured in turn on the same
/// number of threads.
/// </summary>
/// <param name="Threads">Number of threads of each.</param>
/// <param name="Decoding">Files are read from disk, checked for their header and orientation, and decoded to pixels. Median images per
/// second.</param>
/// <param name="Pipeline">Files are read from disk, decoded, resized to 224×224, mirrored, mixed by CutMix and normalized into batches of
/// 32. Median images per second.</param>
/// <param name="LibTurboJpeg">The same files, already in memory, are only decoded to pixels. Median images per second.</param>
/// <param name="DecodingRatio">Decoding divided by libturbojpeg, round by round.</param>
/// <param name="PipelineRatio">Pipeline divided by libturbojpeg, round by round.</param>
public sealed record JpegSpeed(int Threads, double Decoding, double Pipeline, double LibTurboJpeg, SpeedRatio DecodingRatio,
    SpeedRatio PipelineRatio);

/// <summary>The cost of feeding a network from JPEG files compared with the unavoidable decoding.</summary>
public static class JpegBench
{
    /// <summary>True if libturbojpeg, which the benchmark compares with, is installed.</summary>
    public static bool IsPossible => TurboJpeg.IsInstalled;

    /// <summary>Measures decoding, pipeline and libturbojpeg on the given number of threads.</summary>
    /// <exception cref="InputException">libturbojpeg is not installed.</exception>
    public static JpegSpeed Measure(int threads, TimeSpan budget)
    {
        if (!IsPossible)
            throw new InputException("The JPEG benchmark compares with libturbojpeg, which is not installed. Install it "
                + "(Debian: libturbojpeg0).");
        using var pictures = new BenchPictures();
        var set = pictures.Open();
        var files = Enumerable.Range(0, set.Count).Select(i => File.ReadAllBytes(set.FilePath(i))).ToArray();
        using var first = SKCodec.Create(set.FilePath(0));
        var (height, width) = (first.Info.Height, first.Info.Width);
        using var loader = new BatchLoader(set, new SeedStream(1), new LoaderOptions
        {
            BatchSize = 32,
            Augmentation = CropFlip.None with { Flip = true },
            Threads = threads,
        })
        { Planner = new CutMix() };
        const int passes = 4;      // over the set, so that starting threads does not matter
        var paths = Enumerable.Range(0, set.Count).Select(set.FilePath).ToArray();
        var (decoded, fed, alone, decodingRatios, pipelineRatios) =
            (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        SpeedBench.Repeat(budget, round =>
        {
            var pipeline = SpeedBench.Time(() =>
            {
                for (var pass = 0; pass < passes; pass++)
                    SpeedBench.Drain(loader, passes * round + pass);
            });
            // Only one pixel is resized, so that the decoder takes almost all of the time.
            var decoding = SpeedBench.Time(() => OnThreads(threads, passes * files.Length, () =>
            {
                var pixel = new byte[3];
                return i => ImageDecoder.DecodeWindow(paths[i % files.Length], 1, 1, pixel, (_, _) => new Window(0, 0, 1, 1));
            }));
            var library = SpeedBench.Time(() => OnThreads(threads, passes * files.Length, () =>
            {
                var pixels = new byte[height * width * 4];
                return i =>
                {
                    if (!TurboJpeg.TryDecode(files[i % files.Length], height, width, reduction: 1, pixels))
                        throw new InvalidOperationException("libturbojpeg rejected a picture of the benchmark.");
                };
            }));
            if (round == 0)
                return;
            decoded.Add(passes * files.Length / decoding);
            fed.Add(passes * files.Length / pipeline);
            alone.Add(passes * files.Length / library);
            decodingRatios.Add(library / decoding);
            pipelineRatios.Add(library / pipeline);
        });
        return new JpegSpeed(threads, Median(decoded), Median(fed), Median(alone), SpeedRatio.Of(decodingRatios),
            SpeedRatio.Of(pipelineRatios));
    }

    // Each thread prepares its own work and takes the next item when it has finished one.
    private static void OnThreads(int threads, int items, Func<Action<int>> prepare)
    {
        var next = -1;
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            var work = prepare();
            for (var i = Interlocked.Increment(ref next); i < items; i = Interlocked.Increment(ref next))
                work(i);
        })).ToArray();
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
    }

    private static double Median(List<double> rates) => rates.Order().ElementAt(rates.Count / 2);
}
