using System.Diagnostics;
using System.Globalization;
using Microsoft.ML.OnnxRuntime;
using Patchwork;
using Patchwork.Imaging;
using Patchwork.Inference;
using Patchwork.Onnx;

// Compares an exported file with the run that it was exported from, on the same pictures, one at a time on one thread:
//     dotnet run -c Release --project benchmarks/ExportedFile -- RUN FILE.onnx FOLDER
// do the answers agree, how many pictures per second does each classify, and what does Patchwork.Onnx cost compared with a bare session?
if (args is not [var run, var file, var folder])
{
    Console.Error.WriteLine("Usage: ExportedFile RUN FILE.onnx FOLDER: a run, the file that it was exported to, a folder of pictures.");
    return 2;
}
byte[][] pictures = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
    .Where(path => Path.GetExtension(path).ToLowerInvariant() is ".png" or ".jpg").Order(StringComparer.Ordinal)
    .Select(File.ReadAllBytes)];
NativeHeap.KeepFreed();
using var predictor = Predictor.Open(run);
using var classifier = OnnxClassifier.Load(file);
using var bare = new BareSession(file, classifier.Card);

var (others, largest) = (0, 0.0);
foreach (var picture in pictures)
{
    var (a, b) = (predictor.Classify(picture), classifier.Classify(picture));
    others += a.Best.Class == b.Best.Class ? 0 : 1;
    largest = Math.Max(largest, a.Probabilities.Zip(b.Probabilities, (one, other) => Math.Abs(one - other)).Max());
}
Print($"{pictures.Length} pictures: {others} with another class, largest difference of a probability {largest:G2}");

// Timed in turn, so that a noisy machine affects all alike; the median of the rounds counts.
const int rounds = 7;
(string Name, Action<byte[]> Classify)[] ways =
    [("Predictor", picture => predictor.Classify(picture)), ("OnnxClassifier", picture => classifier.Classify(picture)),
        ("decoding and a bare session", bare.Run), ("decoding alone", picture => bare.Decode(picture))];
var seconds = ways.Select(_ => new double[rounds]).ToArray();
for (var round = 0; round < rounds; round++)
{
    for (var way = 0; way < ways.Length; way++)
    {
        var start = Stopwatch.GetTimestamp();
        foreach (var picture in pictures)
            ways[way].Classify(picture);
        seconds[way][round] = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
for (var way = 0; way < ways.Length; way++)
    Print($"{ways[way].Name}: {pictures.Length / Median(seconds[way]):F0} pictures per second");
var ratios = seconds[2].Zip(seconds[1], (session, own) => session / own).ToArray();
Print($"OnnxClassifier has {Median(ratios):F3} of the throughput of decoding and a bare session ({ratios.Min():F3} to {ratios.Max():F3})");
return 0;

static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

/// <summary>The minimum work: decode into the input of a session that is reused, and run it.</summary>
internal sealed class BareSession : IDisposable
{
    private readonly OnnxCard card;
    private readonly InferenceSession session;
    private readonly byte[] planes, pixels;
    private readonly OrtValue input;
    private readonly RunOptions options = new();

    public BareSession(string file, OnnxCard card)
    {
        using var settings = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        (this.card, session) = (card, new InferenceSession(file, settings));
        (planes, pixels) = (new byte[card.Channels * card.Height * card.Width], new byte[card.Channels * card.Height * card.Width]);
        input = OrtValue.CreateTensorValueFromMemory(pixels, [1, card.Height, card.Width, card.Channels]);
    }

    public void Decode(byte[] picture)
    {
        ImageDecoder.Decode(picture, card.Height, card.Width, planes, card.Channels, card.CenterCrop, card.ScaledDecoding);
        var places = card.Height * card.Width;
        for (var i = 0; i < places; i++)
        {
            for (var channel = 0; channel < card.Channels; channel++)
                pixels[i * card.Channels + channel] = planes[channel * places + i];
        }
    }

    public void Run(byte[] picture)
    {
        Decode(picture);
        using var outputs = session.Run(options, ["input"], [input], ["probabilities"]);
    }

    public void Dispose()
    {
        options.Dispose();
        input.Dispose();
        session.Dispose();
    }
}
