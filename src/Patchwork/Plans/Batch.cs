using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>
/// A batch of images with their labels. A mixed batch also has the plan and the pair targets, and a batch whose <see cref="Plan"/> is set
/// is never mixed again.
/// </summary>
/// <param name="Images">Images (N, C, H, W).</param>
/// <param name="Labels">Class ids (N), int64, or distributions (N, K).</param>
/// <remarks>
/// The creator of the batch owns its tensors. A batch from a <c>BatchLoader</c> uses the loader's buffers and is valid until the next batch
/// is requested: clone what you need to keep.
/// </remarks>
public sealed record Batch(Tensor Images, Tensor Labels)
{
    /// <summary>Indices of the examples in their data set, one per row; empty when unknown.</summary>
    public IReadOnlyList<int> Ids { get; init; } = [];

    /// <summary>
    /// Dense labels (N, H, W) of any type, one class per pixel, mixed by the same plan as the images. Null when there are none.
    /// </summary>
    public Tensor? Masks { get; init; }

    /// <summary>Objects of each image, mixed by the same plan as the images. Null when they are not known.</summary>
    public IReadOnlyList<IReadOnlyList<LabeledObject>>? Objects { get; init; }

    /// <summary>The plans by which the images were erased before mixing, one per eraser; empty when nothing was erased.</summary>
    public IReadOnlyList<MixPlan> Erased { get; init; } = [];

    /// <summary>
    /// True when the second half of the rows contains the unmixed images of the first half (<c>CleanHalf</c>). Default false.
    /// </summary>
    public bool HasCleanHalf { get; init; }

    /// <summary>Number of examples: the number of rows, or half of it when the batch has a clean half.</summary>
    public int Examples => HasCleanHalf ? Count / 2 : Count;

    /// <summary>
    /// With several ranks, describes which part of the whole batch these rows are. Null, the default: they are the whole batch.
    /// </summary>
    public BatchPart? Part { get; init; }

    /// <summary>Number of examples that count: 0 on a rank that has no rows of the batch.</summary>
    internal int Counted => Part is { IsSpare: true } ? 0 : Examples;

    /// <summary>Number of examples on all ranks together.</summary>
    internal int WholeExamples => Part?.Ids.Count ?? Examples;

    /// <summary>The row in the whole batch of each row of this part; 0, 1, 2, … when this is the whole batch.</summary>
    internal int[] RowsInWhole() => [.. Enumerable.Range(0, Count).Select(row => Part is not { } part ? row
        : HasCleanHalf && row >= Examples ? part.Ids.Count + part.First + row - Examples : part.First + row)];

    /// <summary>The row in <see cref="Plan"/> of each row of this batch.</summary>
    internal int[] RowsInPlan() => Part is { PlansWhole: true } ? RowsInWhole() : [.. Enumerable.Range(FirstRow, Count)];

    // Number of rows of the batch, or of this rank's part of it, that come before these.
    private int FirstRow { get; init; }

    /// <summary>
    /// The plan by which the batch was mixed, or null. For a <see cref="Part"/>, this is the plan of the whole batch unless
    /// <see cref="BatchPart.PlansWhole"/> is false.
    /// </summary>
    public MixPlan? Plan { get; init; }

    /// <summary>
    /// The batch of the step before, for an <see cref="IRecursiveMixer"/>; null, the default, if there is none. Whoever made it owns it.
    /// </summary>
    public EarlierBatch? Earlier { get; init; }

    /// <summary>The targets of the mixed images; null if and only if <see cref="Plan"/> is null.</summary>
    public PairTargets? Targets { get; init; }

    /// <summary>
    /// Returns the rows [first, first + count) of a batch, mixed or not, as views. The plan stays that of the whole batch.
    /// </summary>
    internal Batch Rows(int first, int count) => this with
    {
        Images = Images.narrow(0, first, count),
        Labels = Labels.narrow(0, first, count),
        Ids = Ids.Count == 0 ? Ids : [.. Ids.Skip(first).Take(count)],
        Part = Part is { } part ? part with { First = part.First + first } : null,
        FirstRow = FirstRow + first,
        Masks = Masks?.narrow(0, first, count),
        Objects = Objects is null ? null : [.. Objects.Skip(first).Take(count)],
        Targets = Targets is null ? null
            : new PairTargets(Targets.A.narrow(0, first, count), Targets.B.narrow(0, first, count),
            [.. Targets.Lambdas.Skip(first).Take(count)],
            Targets.PartnerWeights is null ? null : [.. Targets.PartnerWeights.Skip(first).Take(count)]),
    };

    /// <summary>
    /// Returns one rank's part of a batch that every rank has assembled and mixed as a whole. For a batch with a clean half, the part has
    /// the same rows of both halves. The tensors are views, or new ones that belong to the caller's dispose scope.
    /// </summary>
    internal Batch PartOf(int first, int count, bool spare)
    {
        var whole = Examples;
        var part = HasCleanHalf ? Joined(Rows(first, count), Rows(whole + first, count)) : Rows(first, count);
        return part with { FirstRow = 0, Part = new BatchPart(first, [.. Ids.Take(whole)]) { IsSpare = spare } };
    }

    private static Batch Joined(Batch a, Batch b) => a with
    {
        Images = cat([a.Images, b.Images]),
        Labels = cat([a.Labels, b.Labels]),
        Ids = [.. a.Ids, .. b.Ids],
        Masks = a.Masks is { } masks ? cat([masks, b.Masks!]) : null,
        Objects = a.Objects is { } objects ? [.. objects, .. b.Objects!] : null,
        Targets = a.Targets is not { } targets ? null : new PairTargets(cat([targets.A, b.Targets!.A]), cat([targets.B, b.Targets.B]),
            [.. targets.Lambdas, .. b.Targets.Lambdas],
            targets.PartnerWeights is { } weights ? [.. weights, .. b.Targets.PartnerWeights!] : null),
    };

    /// <summary>Number of images.</summary>
    public int Count => (int)Images.size(0);

    /// <summary>Returns where the <see cref="Masks"/> of the image at a row are not 0; null when there are no masks.</summary>
    internal Func<int, byte[]?>? ObjectMask => Masks is not { } masks ? null : row =>
    {
        using var scope = NewDisposeScope();
        return masks[row].ne(Zero).to(ScalarType.Byte).cpu().contiguous().data<byte>().ToArray();
    };
}

/// <summary>The part of a whole batch that a rank has.</summary>
/// <param name="First">Row in the whole batch of the part's first example.</param>
/// <param name="Ids">Indices of the examples of the whole batch.</param>
public sealed record BatchPart(int First, IReadOnlyList<int> Ids)
{
    /// <summary>
    /// True when the rank has no rows of this batch, which happens when the last batch is small. It is given one row, so that it runs the
    /// network together with the other ranks, but this row does not count. Default false.
    /// </summary>
    public bool IsSpare { get; init; }

    /// <summary>
    /// True when the batch's plan covers the rows of all ranks; false when each rank mixes only its own rows, as with methods that plan by
    /// the network. Default true.
    /// </summary>
    public bool PlansWhole { get; init; } = true;
}
