using System.Runtime.InteropServices;
using Patchwork.Plans;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Data;

/// <summary>
/// Memory of one batch, reused from step to step. Loader threads write it through spans; no tensor operation runs on them.
/// </summary>
internal sealed class BatchBuffer : IDisposable
{
    private Tensor? imagePool, labelPool, partnerPool;      // of the largest batch so far
    private Tensor? images, labels, partnerLabels;          // what the batch at hand uses of them
    private Batch? batch;

    /// <summary>The batch that lies here.</summary>
    public Batch Batch => batch ?? throw new InvalidOperationException("No batch has been written into this buffer.");

    /// <summary>The images, N·C·H·W floats.</summary>
    public Span<float> ImageMemory => MemoryMarshal.Cast<byte, float>(images!.bytes);

    /// <summary>Makes room for a batch. A smaller one, the last of an epoch, takes the first part of the memory that is there.</summary>
    public void Resize(int count, Dataset dataset)
    {
        if (images is not null && images.size(0) == count)
            return;
        if (imagePool is null || imagePool.size(0) < count)
        {
            Dispose();
            imagePool = empty(count, dataset.Channels, dataset.Height, dataset.Width, dtype: ScalarType.Float32).DetachFromDisposeScope();
            // Class ids, or a row of 0 and 1 where an image may show several.
            Tensor Room() => (dataset.IsMultiLabel ? empty(count, dataset.ClassNames.Count, dtype: ScalarType.Float32)
                : empty(count, dtype: ScalarType.Int64)).DetachFromDisposeScope();
            (labelPool, partnerPool) = (Room(), Room());
        }
        DisposeViews();
        Tensor First(Tensor? pool) => pool!.narrow(0, 0, count).DetachFromDisposeScope();
        (images, labels, partnerLabels) = (First(imagePool), First(labelPool), First(partnerPool));
    }

    /// <summary>Adds the labels to the written pixels: those of the images, and of their partners where there is a plan.</summary>
    public void Publish(int[] ids, MixPlan? plan, IReadOnlyList<MixPlan> erased, Dataset dataset)
    {
        WriteLabels(labels!, dataset, i => ids[i]);
        WriteLabels(partnerLabels!, dataset, i => plan is null ? ids[i] : ids[plan.Images[i].Partner]);
        batch = new Batch(images!, labels!)
        {
            Ids = ids,
            Erased = erased,
            Plan = plan,
            Targets = plan is null ? null : new PairTargets(labels!, partnerLabels!, plan.Lambdas()),
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
