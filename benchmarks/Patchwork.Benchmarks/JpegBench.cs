using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Mixing;
using Patchwork.Randomness;
using SkiaSharp;

namespace Patchwork.Benchmarks;

/// <summary>
/// Images a second of our JPEG decoding, of the whole pipeline around it, and of libturbojpeg alone, taken in turn on as many threads.
/// </summary>
/// <param name="Threads">Threads of each.</param>
/// <param name="Decoding">Read from disk, header and camera's orientation looked at, decoded to pixels. Images a second, median.</param>
/// <param name="Pipeline">Read from disk, decoded, resized to 224×224, mirrored, mixed by CutMix and normalized into batches of 32. Images
/// a second, median.</param>
/// <param name="LibTurboJpeg">The same files, already in memory, decoded to pixels and nothing else. Images a second, median.</param>
/// <param name="DecodingRatio">Decoding over libturbojpeg, round by round.</param>
/// <param name="PipelineRatio">Pipeline over libturbojpeg, round by round.</param>
public sealed record JpegSpeed(int Threads, double Decoding, double Pipeline, double LibTurboJpeg, SpeedRatio DecodingRatio,
    SpeedRatio PipelineRatio);

/// <summary>What feeding a network from JPEG files costs beside the decoding that nobody can leave out.</summary>
public static class JpegBench
{
    /// <summary>True where libturbojpeg is installed, to compare with.</summary>
    public static bool IsPossible => TurboJpeg.IsInstalled;

    /// <summary>Measures the three on a number of threads.</summary>
    /// <exception cref="InputException">libturbojpeg is not installed.</exception>
    public static JpegSpeed Measure(int threads, TimeSpan budget)
    {
        if (!IsPossible)
            throw new InputException("The JPEG benchmark needs libturbojpeg to compare with, and it is not installed. Install it "
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
        const int passes = 4;      // of the set, so that starting threads does not count
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
            // One pixel is resized: what is left is the decoder.
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
                        throw new InvalidOperationException("libturbojpeg refused a picture that it had been given before.");
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

    // Each thread makes its own work, and takes the next item when it is done with one.
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
