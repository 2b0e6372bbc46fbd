using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Coordinates a training step with the other ranks; a single process has nothing to coordinate.</summary>
/// <param name="ranks">The ranks.</param>
/// <param name="gradients">Sums their gradients.</param>
/// <param name="synced">Synchronizes BatchNorm; null if BatchNorm is not synchronized.</param>
internal sealed class RankStep(Ranks ranks, GradientSum gradients, SyncedBatchNorm? synced)
{
    /// <summary>True if this rank runs the network on a batch.</summary>
    public bool TakesPart(Batch batch) => batch.Counted > 0 || synced is not null;

    /// <summary>
    /// The weight of the loss of this rank's rows in the loss of the whole batch: their share of the batch if losses are averaged, 1 if
    /// they are summed.
    /// </summary>
    public double ShareOf(TrainingState state, Batch batch)
    {
        if (synced is not null)
            synced.IsSpare = batch.Counted == 0;
        if (ranks.Alone || state.Criterion.Reduction != Reduction.Mean)
            return batch.Counted > 0 ? 1 : 0;
        if (Weight(state.Criterion, batch) is not { } own)
            return (double)batch.Counted / batch.WholeExamples;
        // A weighted mean is divided by the weights of its rows.
        own = batch.Counted > 0 ? own : 0;
        Span<double> all = [own];
        ranks.Sum(all);
        return all[0] > 0 ? own / all[0] : 0;
    }

    // The total weight of a batch's rows in the mean; null if all rows count the same.
    private static double? Weight(Loss loss, Batch batch)
    {
        using var scope = NewDisposeScope();
        var targets = batch.Targets ?? new PairTargets(batch.Labels, batch.Labels, [.. Enumerable.Repeat(1.0, batch.Count)]);
        if (loss.MeanWeights(targets.A) is not { } a || loss.MeanWeights(targets.B) is not { } b)
            return null;
        var (own, partner) = (Subject.Numbers(a), Subject.Numbers(b));
        return targets.Lambdas.Select((lambda, i) => lambda * own[i] + (targets.PartnerWeights?[i] ?? 1 - lambda) * partner[i]).Sum();
    }

    /// <summary>Called after the backward pass: sums the loss, the counts and then the gradients over all ranks.</summary>
    /// <returns>Hits, replaced area and number of mixed images.</returns>
    /// <exception cref="NonFiniteException">The loss of the whole batch is not finite.</exception>
    public (double Hits, double ReplacedArea, double Mixed) Sum(TrainingState state, Batch batch, Tensor? logits,
        CancellationToken cancellation)
    {
        synced?.ThrowIfFailed();
        var own = logits is null ? default : EpochTotals.Of(batch, logits);
        if (ranks.Alone)
            return own;
        Span<double> sums = [state.Loss, own.Hits, own.ReplacedArea, own.Mixed];
        ranks.Meet(sums, state.StopReason is not null, cancellation);
        state.Loss = sums[0];
        if (!double.IsFinite(state.Loss))
            throw NonFinite.Loss(state);
        gradients.Over(state.Model);
        return (sums[1], sums[2], sums[3]);
    }

    /// <summary>Agrees with the other ranks on whether to continue.</summary>
    public void Meet(TrainingState state, CancellationToken cancellation)
    {
        if (ranks.Alone)
            return;
        ranks.Meet(default, state.StopReason is not null, cancellation);
        ranks.ThrowIfCancelled();
    }

    /// <summary>Throws if this rank was cancelled or, with several ranks, if any rank was at the last agreement.</summary>
    public void ThrowIfCancelled(CancellationToken cancellation)
    {
        if (ranks.Alone)
            cancellation.ThrowIfCancellationRequested();
        else
            ranks.ThrowIfCancelled();
    }

    /// <summary>True if the fit must end without an error: a single process ends at once, several ranks when all of them know.</summary>
    public bool IsStopping(TrainingState state)
    {
        if (ranks.Alone)
            return state.StopReason is not null;
        if (ranks.IsStopping)
            state.Stop("another rank stopped");
        return ranks.IsStopping;
    }
}
