using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Result of one pass over a validation or test set.</summary>
/// <param name="Images">Images seen.</param>
/// <param name="Loss">Mean loss.</param>
/// <param name="Top1Error">
/// Share of images whose top-scoring class is wrong, 0 to 1. Among equal logits, the lower class number wins.
/// </param>
/// <param name="Top5Error">Share of images whose label is not among the five best classes, 0 to 1: 0 for five classes or fewer.</param>
public sealed record EvaluationResult(long Images, double Loss, double Top1Error, double Top5Error)
{
    /// <summary>
    /// The mean average precision for images with several labels, see <see cref="AveragePrecision.Of"/>; null for images with one. The
    /// errors count an image as right if its best class, or one of its five best, is among its labels.
    /// </summary>
    public double? MeanAveragePrecision { get; init; }
}

/// <summary>One pass over a set in evaluation mode, without gradients and without mixing.</summary>
/// <remarks>
/// Several ranks divide the batches of a single process among themselves, and their counts are added up in the order of the batches.
/// Every image counts once, and the result is bit-identical for any number of ranks with the same number of torch threads each.
/// </remarks>
public static class EvaluationPass
{
    /// <summary>Evaluates a model, which is put into evaluation mode and left in it.</summary>
    /// <param name="model">A network from images (N, C, H, W) to logits (N, K), on <paramref name="device"/>.</param>
    /// <param name="loader">The batches.</param>
    /// <param name="loss">The loss; its mean over the images is reported, regardless of its reduction.</param>
    /// <param name="device">Where the model is.</param>
    /// <param name="collective">The processes that evaluate together, all with the same model and data; null: this process alone.</param>
    public static EvaluationResult Run(nn.Module<Tensor, Tensor> model, BatchLoader loader, Loss loss, Device device,
        ICollective? collective = null) =>
        Ranks.Of(collective ?? new SingleProcess()).Together(ranks => Run(model, loader,
            (logits, batch) => loss.Evaluate(logits, batch.Labels), loss.Reduction, device, ranks, () => { }, _ => { }, _ => { }, default));

    internal static EvaluationResult Run(TrainingState state, BatchLoader loader, Action start, Action<Batch> batchStart,
        Action<Batch> batchEnd, CancellationToken cancellation) =>
        Run(state.Model, loader, state.EvaluationLoss, state.Options.Loss.Reduction, state.Options.Device, state.Ranks, start, batchStart,
            batchEnd, cancellation);

    private static EvaluationResult Run(nn.Module<Tensor, Tensor> model, BatchLoader loader, BatchLoss loss, Reduction reduction,
        Device device, Ranks ranks, Action start, Action<Batch> batchStart, Action<Batch> batchEnd, CancellationToken cancellation)
    {
        using var noGradient = no_grad();
        model.eval();
        start();
        var counted = new List<EvaluatedBatch>();
        using var own = loader.Every(ranks.Size, 0, ranks.Rank).GetEnumerator();
        for (var first = 0; first < loader.Steps; first += ranks.Size)
        {
            ranks.Meet(cancellation: cancellation);
            ranks.ThrowIfCancelled();
            if (!own.MoveNext())
                continue;      // at the end there can be fewer batches than ranks
            using var scope = NewDisposeScope();
            var batch = own.Current;
            var here = device.type == DeviceType.CPU ? batch
                : batch with { Images = batch.Images.to(device), Labels = batch.Labels.to(device) };
            batchStart(here);
            var logits = model.call(here.Images);      // (N, K)
            counted.Add(EvaluatedBatch.Of(logits, here, loss(logits, here), reduction));
            batchEnd(here);
        }
        return EvaluatedBatch.Total(EvaluatedBatch.OfAll(ranks, counted));
    }
}
