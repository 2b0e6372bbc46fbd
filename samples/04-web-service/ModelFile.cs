using Patchwork;
using Patchwork.Onnx;

namespace Patchwork.Samples;

/// <summary>Looks once a second whether another file lies where the model's was, and has the classifier serve that.</summary>
internal sealed partial class ModelFile(string path, OnnxClassifier classifier, ILogger<ModelFile> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // By time, not by a watcher: those see nothing through many containers' mounts.
        var seen = File.GetLastWriteTimeUtc(path);
        using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await second.WaitForNextTickAsync(stoppingToken))
        {
            var now = File.GetLastWriteTimeUtc(path);
            if (now == seen || !File.Exists(path))
                continue;
            seen = now;
            try
            {
                classifier.Swap(path);
                Serving(log, path, classifier.Card.Model, classifier.Classes.Count);
            }
            catch (InputException error)
            {
                Kept(log, error.Message);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Serving {Path}: {Model}, {Classes} classes")]
    private static partial void Serving(ILogger log, string path, string model, int classes);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The model stays: {Reason}")]
    private static partial void Kept(ILogger log, string reason);
}
