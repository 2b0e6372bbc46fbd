using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Reporting;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Writes three TensorBoard image grids of a mixed batch at regular steps: the mixed images, their partners, and the difference of the two,
/// |mixed - partner|.
/// </summary>
/// <param name="log">The callback whose event file receives the grids; it must be one of the fit's callbacks too.</param>
/// <param name="everySteps">
/// Number of steps from one set of grids to the next; the first set is written at step 0. Range: at least 1.
/// </param>
public sealed class MixingGrids(TensorBoardLog log, int everySteps) : Callback
{
    private const int Columns = 8;

    /// <summary>Tags of the three grids. Default <c>train_mixed</c>, <c>train_partner</c>, <c>train_difference</c>.</summary>
    public GridTags Tags { get; init; } = new("train_mixed", "train_partner", "train_difference");

    /// <summary>Maximum number of images in a grid. Default 32.</summary>
    public int Images { get; init; } = 32;

    /// <inheritdoc/>
    public override bool OnFirstRankOnly => true;

    /// <inheritdoc/>
    public override bool RunsLast => true;      // after the callback that mixes

    /// <inheritdoc/>
    public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
    {
        if (state.Step % everySteps == 0 && batch.Plan is { Layer: null } plan && batch.Ids.Count > 0)
            Write(state, batch, plan);
        return batch;
    }

    private void Write(TrainingState state, Batch batch, MixPlan plan)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var dataset = state.Data.Train.Dataset;
        var count = Math.Min(Images, batch.Count);
        // Partners are rows of the whole batch, or of this rank's own part.
        var (rows, plansOwn) = (batch.RowsInPlan(), batch.Part is { PlansWhole: false });
        var whole = batch.RowsInWhole();
        var partners = RowIndex.Of(rows.Take(count).Select(row => plan.Images[row].Partner)
            .Select(partner => plansOwn ? whole[partner] : partner), CPU);
        var before = NormalizedPictures.Restore(state.Data.Train.Unmixed(batch, state.Epoch).Images, dataset.Normalization);
        var mixed = NormalizedPictures.Restore(batch.Images.narrow(0, 0, count).cpu(), dataset.Normalization);
        if (plan.Earlier > 0)
            before = cat([before, NormalizedPictures.Restore(batch.Earlier!.Images.cpu(), dataset.Normalization)]);
        var partner = before.index_select(0, partners);
        Add(Tags.Mixed, mixed, state.Step);
        Add(Tags.Partner, partner, state.Step);
        Add(Tags.Difference, (mixed - partner).abs(), state.Step);
        log.Writer.Flush();
    }

    private void Add(string tag, Tensor images, long step)
    {
        const int padding = 2;
        var (count, height, width) = ((int)images.size(0), (int)images.size(2), (int)images.size(3));
        var across = Math.Min(Columns, count);
        var down = (count + across - 1) / across;
        log.Writer.AddImage(tag, ImageGrid.Compose(images, across, padding), padding + down * (height + padding), padding
            + across * (width + padding), 3, step);
    }
}

/// <summary>Tags of the grids that show what was mixed.</summary>
/// <param name="Mixed">Tag of the mixed images.</param>
/// <param name="Partner">Tag of their partners.</param>
/// <param name="Difference">Tag of the difference of the two.</param>
public sealed record GridTags(string Mixed, string Partner, string Difference);
