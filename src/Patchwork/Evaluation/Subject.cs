using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>What is evaluated: a trained network, the set that it is tested on, and what the measuring needs beside them.</summary>
/// <param name="Network">From normalized images (N, C, H, W) to logits (N, K); used in evaluation mode.</param>
/// <param name="Test">The test set.</param>
/// <param name="Seeds">Randomness of drawn images, pairs, starts and intervals.</param>
public sealed record Subject(nn.Module<Tensor, Tensor> Network, Dataset Test, SeedStream Seeds)
{
    /// <summary>A second network of the run, that of its best epoch; null where there is none.</summary>
    public nn.Module<Tensor, Tensor>? BestNetwork { get; init; }

    /// <summary>Held-out images that a temperature may be fitted on; null where there are none.</summary>
    public Dataset? Validation { get; init; }

    /// <summary>
    /// How many images <see cref="Test"/> was limited to, which holds for other test sets that a suite opens too; null, the default, for no
    /// limit.
    /// </summary>
    public int? Limit { get; init; }

    /// <summary>
    /// Trains <see cref="Network"/> further and returns the result, which the caller owns; told how much is done, 0 to 1. Null, the
    /// default, where it cannot be trained.
    /// </summary>
    public Func<Retraining, Action<double>, nn.Module<Tensor, Tensor>>? Retrain { get; init; }

    /// <summary>Images per pass. Range: at least 1. Default 100.</summary>
    public int BatchSize { get; init; } = LoaderOptions.EvaluationBatch;

    /// <summary>Where the networks are. Default CPU.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Told how much of a suite is done, 0 to 1.</summary>
    public Action<double> Progress { get; init; } = _ => { };

    /// <summary>Ends the measuring between two batches.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>
    /// The batches of a set, one after the other: pixels (N, C, H, W) in [0, 1], not normalized, and labels (N), where the network is. A
    /// batch is valid until the next one.
    /// </summary>
    /// <param name="images">The set.</param>
    /// <param name="part">Which pass of the suite this is.</param>
    /// <param name="parts">Of how many of the same length.</param>
    /// <param name="threads">Threads that read images ahead, for a set whose images cost work. Range: at least 0. Default 1.</param>
    public IEnumerable<Batch> Batches(Dataset images, int part = 0, int parts = 1, int threads = 1)
    {
        using var loader = new BatchLoader(new RawPixels(images), Seeds, LoaderOptions.Evaluation(BatchSize, threads));
        var step = 0;
        foreach (var batch in loader.Epoch(0))
        {
            Cancellation.ThrowIfCancellationRequested();
            if (Device.type == DeviceType.CPU)
                yield return batch;
            else
            {
                using var moved = batch.Images.to(Device);
                using var labels = batch.Labels.to(Device);
                yield return batch with { Images = moved, Labels = labels };
            }
            Progress((part + (double)++step / loader.Steps) / parts);
        }
    }

    /// <summary>For each image of a batch, 1 where the best class is not the label, else 0.</summary>
    /// <param name="logits">Logits (N, K); of equal ones that of the lower class number is the better one.</param>
    /// <param name="labels">Labels (N).</param>
    /// <param name="places">How many of the best classes count as right. Default 1.</param>
    internal static double[] Errors(Tensor logits, Tensor labels, int places = 1)
    {
        using var scope = NewDisposeScope();
        return Numbers(Ranking.Within(logits, labels, places).logical_not());
    }

    /// <summary>The numbers of a tensor.</summary>
    internal static double[] Numbers(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }

    /// <summary>The rows of a tensor (N, K), as numbers of single precision.</summary>
    internal static IEnumerable<float[]> Rows(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray().Chunk((int)values.size(1));
    }

    /// <summary>A set whose loader leaves pixels in [0, 1] as they are.</summary>
    private sealed class RawPixels(Dataset whole) : DatasetView(whole)
    {
        public override Normalization Normalization { get; } =
            new([.. Enumerable.Repeat(0f, whole.Channels)], [.. Enumerable.Repeat(1f, whole.Channels)]);
    }
}
