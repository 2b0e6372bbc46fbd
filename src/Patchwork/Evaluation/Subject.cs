using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>The subject of an evaluation: a trained network, its test set, and everything else that the measurements need.</summary>
/// <param name="Network">The network, from normalized images (N, C, H, W) to logits (N, K); used in evaluation mode.</param>
/// <param name="Test">The test set.</param>
/// <param name="Seeds">Randomness of drawn images, pairs, starts and intervals.</param>
public sealed record Subject(nn.Module<Tensor, Tensor> Network, Dataset Test, SeedStream Seeds)
{
    /// <summary>The network of the run's best epoch; null if there is none.</summary>
    public nn.Module<Tensor, Tensor>? BestNetwork { get; init; }

    /// <summary>Validation images, on which a temperature or a threshold is fitted; null if there are none.</summary>
    public Dataset? Validation { get; init; }

    /// <summary>
    /// How many images <see cref="Test"/> was limited to, which also applies to other test sets that a suite opens; null, the default, for
    /// no limit.
    /// </summary>
    public int? Limit { get; init; }

    /// <summary>
    /// Trains <see cref="Network"/> further and returns the result, which the caller owns; the second argument receives the progress, 0 to
    /// 1. Null, the default, if the network cannot be trained.
    /// </summary>
    public Func<Retraining, Action<double>, nn.Module<Tensor, Tensor>>? Retrain { get; init; }

    /// <summary>Images per pass. Range: at least 1. Default 100.</summary>
    public int BatchSize { get; init; } = LoaderOptions.EvaluationBatch;

    /// <summary>The device of the networks. Default CPU.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Receives the progress of a suite, 0 to 1.</summary>
    public Action<double> Progress { get; init; } = _ => { };

    /// <summary>Cancels the measurements between two batches.</summary>
    public CancellationToken Cancellation { get; init; }

    /// <summary>
    /// Iterates over the batches of a set: pixels (N, C, H, W) in [0, 1], not normalized, and labels (N), on the network's device. A batch
    /// is valid until the next one.
    /// </summary>
    /// <param name="images">The set.</param>
    /// <param name="part">Which pass of the suite this is, from 0; for the progress.</param>
    /// <param name="parts">Number of passes of the suite, all of the same length.</param>
    /// <param name="threads">
    /// Threads that read images ahead, for a set whose images are expensive to compute. Range: at least 0. Default 1.
    /// </param>
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

    /// <summary>Returns for each image of a batch 1 if its label is not among the best classes, otherwise 0.</summary>
    /// <param name="logits">Logits (N, K); among equal logits, the lower class number ranks higher.</param>
    /// <param name="labels">Labels (N).</param>
    /// <param name="places">How many of the best classes count as correct. Default 1.</param>
    internal static double[] Errors(Tensor logits, Tensor labels, int places = 1)
    {
        using var scope = NewDisposeScope();
        return Numbers(Ranking.Within(logits, labels, places).logical_not());
    }

    /// <summary>Returns the values of a tensor in double precision.</summary>
    internal static double[] Numbers(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }

    /// <summary>Returns the rows of a tensor (N, K) in single precision.</summary>
    internal static IEnumerable<float[]> Rows(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray().Chunk((int)values.size(1));
    }

    /// <summary>A set that is not normalized: its loader returns pixels in [0, 1].</summary>
    private sealed class RawPixels(Dataset whole) : DatasetView(whole)
    {
        public override Normalization Normalization { get; } =
            new([.. Enumerable.Repeat(0f, whole.Channels)], [.. Enumerable.Repeat(1f, whole.Channels)]);
    }
}
