using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>
/// A batch: images with their labels, and once it is mixed also the plan and the pair targets. A batch whose <see cref="Plan"/> is set is
/// never mixed again.
/// </summary>
/// <param name="Images">Images (N, C, H, W).</param>
/// <param name="Labels">Class ids (N), int64, or distributions (N, K).</param>
/// <remarks>
/// The tensors belong to whoever made the batch. A batch from a <c>BatchLoader</c> lives in the loader's buffers and is valid until the
/// next one is asked for: clone what must stay.
/// </remarks>
public sealed record Batch(Tensor Images, Tensor Labels)
{
    /// <summary>Indices of the examples in their data set, one a row; empty when unknown.</summary>
    public IReadOnlyList<int> Ids { get; init; } = [];

    /// <summary>
    /// Dense labels (N, H, W) of any type, a class for every pixel; mixed by the images' plan. Null where there are none.
    /// </summary>
    public Tensor? Masks { get; init; }

    /// <summary>Objects of each image; mixed by the images' plan. Null where they are not known.</summary>
    public IReadOnlyList<IReadOnlyList<LabeledObject>>? Objects { get; init; }

    /// <summary>What was erased from the images before they were mixed, one plan an eraser; empty when nothing was.</summary>
    public IReadOnlyList<MixPlan> Erased { get; init; } = [];

    /// <summary>
    /// True where the second half of the rows are the images of the first half before they were mixed (<c>CleanHalf</c>). Default false.
    /// </summary>
    public bool HasCleanHalf { get; init; }

    /// <summary>Number of examples: half the rows where the batch has a clean half.</summary>
    public int Examples => HasCleanHalf ? Count / 2 : Count;

    /// <summary>How the batch was mixed, or null.</summary>
    public MixPlan? Plan { get; init; }

    /// <summary>The targets of the mixed images; null exactly when <see cref="Plan"/> is.</summary>
    public PairTargets? Targets { get; init; }

    /// <summary>Rows [first, first + count) of a batch, mixed or not, as views. The plan stays that of the whole batch.</summary>
    internal Batch Rows(int first, int count) => this with
    {
        Images = Images.narrow(0, first, count),
        Labels = Labels.narrow(0, first, count),
        Ids = Ids.Count == 0 ? Ids : [.. Ids.Skip(first).Take(count)],
        Masks = Masks?.narrow(0, first, count),
        Objects = Objects is null ? null : [.. Objects.Skip(first).Take(count)],
        Targets = Targets is null ? null
            : new PairTargets(Targets.A.narrow(0, first, count), Targets.B.narrow(0, first, count),
            [.. Targets.Lambdas.Skip(first).Take(count)],
            Targets.PartnerWeights is null ? null : [.. Targets.PartnerWeights.Skip(first).Take(count)]),
    };

    /// <summary>Number of images.</summary>
    public int Count => (int)Images.size(0);

    /// <summary>Where an image's <see cref="Masks"/> are not 0, by its row; null without masks.</summary>
    internal Func<int, byte[]?>? ObjectMask => Masks is not { } masks ? null : row =>
    {
        using var scope = NewDisposeScope();
        return masks[row].ne(Zero).to(ScalarType.Byte).cpu().contiguous().data<byte>().ToArray();
    };
}
