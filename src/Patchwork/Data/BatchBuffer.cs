using System.Runtime.InteropServices;
using Patchwork.Distributed;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Data;

/// <summary>
/// The memory of one batch, reused from step to step. Loader threads write to it through spans; they run no tensor operations.
/// </summary>
internal sealed class BatchBuffer : IDisposable
{
    private Tensor? imagePool, labelPool, partnerPool;      // of the largest batch so far
    private Tensor? images, labels, partnerLabels;          // the parts that the current batch uses
    private Batch? batch;

    /// <summary>The batch in this buffer.</summary>
    public Batch Batch => batch ?? throw new InvalidOperationException("No batch has been written into this buffer.");

    /// <summary>The images, N·C·H·W floats.</summary>
    public Span<float> ImageMemory => MemoryMarshal.Cast<byte, float>(images!.bytes);

    /// <summary>Makes room for a batch. A smaller one, such as the last of an epoch, uses the first part of the existing memory.</summary>
    public void Resize(int count, Dataset dataset)
    {
        if (images is not null && images.size(0) == count)
            return;
        if (imagePool is null || imagePool.size(0) < count)
        {
            Dispose();
            imagePool = empty(count, dataset.Channels, dataset.Height, dataset.Width, dtype: ScalarType.Float32).DetachFromDisposeScope();
            // Class ids, or a row of 0 and 1 if an image may show several classes.
            Tensor Room() => (dataset.IsMultiLabel ? empty(count, dataset.ClassNames.Count, dtype: ScalarType.Float32)
                : empty(count, dtype: ScalarType.Int64)).DetachFromDisposeScope();
            (labelPool, partnerPool) = (Room(), Room());
        }
        DisposeViews();
        Tensor First(Tensor? pool) => pool!.narrow(0, 0, count).DetachFromDisposeScope();
        (images, labels, partnerLabels) = (First(imagePool), First(labelPool), First(partnerPool));
    }

    /// <summary>Adds the labels to the written pixels: those of the images, and those of their partners if there is a plan.</summary>
    /// <param name="ids">The examples of the whole batch.</param>
    /// <param name="rows">The rows of the batch that are in this buffer.</param>
    /// <param name="plan">How the whole batch was mixed.</param>
    /// <param name="erased">What was erased from the whole batch.</param>
    /// <param name="dataset">The set.</param>
    /// <param name="spare">Whether the rows are spare and do not count.</param>
    public void Publish(int[] ids, RankRows rows, MixPlan? plan, IReadOnlyList<MixPlan> erased, Dataset dataset, bool spare)
    {
        WriteLabels(labels!, dataset, i => ids[rows.First + i]);
        WriteLabels(partnerLabels!, dataset, i => plan is null ? ids[rows.First + i] : ids[plan.Images[rows.First + i].Partner]);
        batch = new Batch(images!, labels!)
        {
            Ids = ids.AsSpan(rows.First, rows.Count).ToArray(),
            Erased = erased,
            Plan = plan,
            Targets = plan is null ? null : new PairTargets(labels!, partnerLabels!, plan.Lambdas()[rows.First..(rows.First + rows.Count)]),
            Part = rows.Count == ids.Length && !spare ? null : new BatchPart(rows.First, ids) { IsSpare = spare },
        };
    }

    private static void WriteLabels(Tensor labels, Dataset dataset, Func<int, int> example)
    {
        var (count, classes) = ((int)labels.size(0), dataset.ClassNames.Count);
        if (!dataset.IsMultiLabel)
        {
            var ids = MemoryMarshal.Cast<byte, long>(labels.bytes);
            for (var i = 0; i < count; i++)
                ids[i] = dataset.Label(example(i));
            return;
        }
        var rows = MemoryMarshal.Cast<byte, float>(labels.bytes);
        rows.Clear();
        for (var i = 0; i < count; i++)
        {
            foreach (var label in dataset.Labels(example(i)))
                rows[i * classes + label] = 1;
        }
    }

    public void Dispose()
    {
        DisposeViews();
        imagePool?.Dispose();
        labelPool?.Dispose();
        partnerPool?.Dispose();
    }

    private void DisposeViews()
    {
        images?.Dispose();
        labels?.Dispose();
        partnerLabels?.Dispose();
    }
}
