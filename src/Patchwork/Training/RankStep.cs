using Patchwork.Distributed;
using Patchwork.Evaluation;
using Patchwork.Losses;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>What a step of training has to settle with other ranks; alone there is nothing.</summary>
/// <param name="ranks">The ranks.</param>
/// <param name="gradients">What sums their gradients.</param>
/// <param name="synced">What synchronizes BatchNorm; null where nothing does.</param>
internal sealed class RankStep(Ranks ranks, GradientSum gradients, SyncedBatchNorm? synced)
{
    /// <summary>True where this rank goes through the network with a batch.</summary>
    public bool TakesPart(Batch batch) => batch.Counted > 0 || synced is not null;

    /// <summary>
    /// What the loss of this rank's rows counts in that of the whole batch: their share of it where losses are averaged, 1 where they are
    /// summed.
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

    // The weights of a batch's rows in the mean, together; null where all count the same.
    private static double? Weight(Loss loss, Batch batch)
    {
        using var scope = NewDisposeScope();
        var targets = batch.Targets ?? new PairTargets(batch.Labels, batch.Labels, [.. Enumerable.Repeat(1.0, batch.Count)]);
        if (loss.MeanWeights(targets.A) is not { } a || loss.MeanWeights(targets.B) is not { } b)
            return null;
        var (own, partner) = (Subject.Numbers(a), Subject.Numbers(b));
        return targets.Lambdas.Select((lambda, i) => lambda * own[i] + (targets.PartnerWeights?[i] ?? 1 - lambda) * partner[i]).Sum();
    }

    /// <summary>
    /// After the backward pass: the loss and what is counted become those of the whole batch, then the gradients.
    /// </summary>
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

    /// <summary>Agrees on whether to go on.</summary>
    public void Meet(TrainingState state, CancellationToken cancellation)
    {
        if (ranks.Alone)
            return;
        ranks.Meet(default, state.StopReason is not null, cancellation);
        ranks.ThrowIfCancelled();
    }

    /// <summary>Throws where this rank, or by the last agreement any, was asked to end.</summary>
    public void ThrowIfCancelled(CancellationToken cancellation)
    {
        if (ranks.Alone)
            cancellation.ThrowIfCancellationRequested();
        else
            ranks.ThrowIfCancelled();
    }

    /// <summary>True where the fit is to end without an error: at once alone, else when all know of it.</summary>
    public bool IsStopping(TrainingState state)
    {
        if (ranks.Alone)
            return state.StopReason is not null;
        if (ranks.IsStopping)
            state.Stop("another rank was to stop");
        return ranks.IsStopping;
    }
}
