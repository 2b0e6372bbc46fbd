using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Result of one pass over a validation or test set.</summary>
/// <param name="Images">Images seen.</param>
/// <param name="Loss">Mean loss.</param>
/// <param name="Top1Error">
/// Share of images whose best class is wrong, 0 to 1. Of equal logits the one of the lower class number is the better one.
/// </param>
/// <param name="Top5Error">Share of images whose label is not among the five best classes, 0 to 1: 0 for five classes or fewer.</param>
public sealed record EvaluationResult(long Images, double Loss, double Top1Error, double Top5Error)
{
    /// <summary>
    /// For images with several labels the mean average precision, see <see cref="AveragePrecision.Of"/>; null for images with one. The
    /// errors count an image as right where its best class, or one of its five best, is among its labels.
    /// </summary>
    public double? MeanAveragePrecision { get; init; }
}

/// <summary>One pass over a set in evaluation mode, without gradients and without mixing.</summary>
public static class EvaluationPass
{
    /// <summary>Evaluates a model, which is put into evaluation mode and stays there.</summary>
    /// <param name="model">A network from images (N, C, H, W) to logits (N, K), on <paramref name="device"/>.</param>
    /// <param name="loader">The batches.</param>
    /// <param name="loss">The loss; its mean over the images is reported, whatever its reduction.</param>
    /// <param name="device">Where the model is.</param>
    public static EvaluationResult Run(nn.Module<Tensor, Tensor> model, BatchLoader loader, Loss loss, Device device) =>
        Run(model, loader, (logits, batch) => loss.Evaluate(logits, batch.Labels), loss.Reduction, device, () => { }, _ => { }, _ =>
            { }, default);

    internal static EvaluationResult Run(TrainingState state, BatchLoader loader, Action start, Action<Batch> batchStart,
        Action<Batch> batchEnd, CancellationToken cancellation) =>
        Run(state.Model, loader, state.EvaluationLoss, state.Options.Loss.Reduction, state.Options.Device, start, batchStart, batchEnd,
            cancellation);

    private static EvaluationResult Run(nn.Module<Tensor, Tensor> model, BatchLoader loader, BatchLoss loss, Reduction reduction,
        Device device,
        Action start, Action<Batch> batchStart, Action<Batch> batchEnd, CancellationToken cancellation)
    {
        using var noGradient = no_grad();
        model.eval();
        start();
        var (images, lossSum, top1, top5) = (0L, 0.0, 0L, 0L);
        var (scores, truths) = (new List<float[]>(), new List<bool[]>());
        foreach (var batch in loader.Epoch(0))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var here = device.type == DeviceType.CPU ? batch
                : batch with { Images = batch.Images.to(device), Labels = batch.Labels.to(device) };
            batchStart(here);
            var logits = model.call(here.Images);      // (N, K)
            var value = loss(logits, here);
            lossSum += reduction switch
            {
                Reduction.Mean => value.ToDouble() * batch.Count,
                _ => value.sum().ToDouble(),
            };
            if (here.Labels.dim() == 1)
            {
                var ranks = Ranking.Of(logits, here.Labels);
                top1 += ranks.lt(One).sum().ToInt64();
                top5 += ranks.lt(Held(5)).sum().ToInt64();
            }
            else
            {
                var order = logits.argsort(1, descending: true);
                var hits = here.Labels.gather(1, order);      // from the best class down
                top1 += hits.narrow(1, 0, 1).sum().ToInt64();
                top5 += hits.narrow(1, 0, Math.Min(5, hits.size(1))).amax([1]).sum().ToInt64();
                scores.AddRange(Subject.Rows(logits));
                truths.AddRange(MultiLabelScores.Shows(here.Labels));
            }
            images += batch.Count;
            batchEnd(here);
        }
        return new EvaluationResult(images, lossSum / images, 1 - (double)top1 / images, 1 - (double)top5 / images)
        {
            MeanAveragePrecision = scores.Count > 0 ? new MultiLabelScores(scores, truths).MeanAveragePrecision() : null,
        };
    }
}
