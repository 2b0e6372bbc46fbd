using Patchwork;
using Patchwork.Onnx;

namespace Patchwork.Samples;

/// <summary>Checks once per second whether the model's file has been replaced, and swaps the new one into the classifier.</summary>
internal sealed partial class ModelFile(string path, OnnxClassifier classifier, ILogger<ModelFile> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Compares the file's time, because file watchers see no changes through the mounts of many containers.
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Keeping the current model: {Reason}")]
    private static partial void Kept(ILogger log, string reason);
}
