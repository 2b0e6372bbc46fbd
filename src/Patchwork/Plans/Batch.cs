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

    /// <summary>
    /// With several ranks: the batch that these rows are one rank's part of. Null, the default: they are all of it.
    /// </summary>
    public BatchPart? Part { get; init; }

    /// <summary>Number of examples that count: none of a rank that has no rows of a batch.</summary>
    internal int Counted => Part is { IsSpare: true } ? 0 : Examples;

    /// <summary>Number of examples of all ranks together.</summary>
    internal int WholeExamples => Part?.Ids.Count ?? Examples;

    /// <summary>The rows in the whole batch that this one's rows are, 0 and on where it is whole itself.</summary>
    internal int[] RowsInWhole() => [.. Enumerable.Range(0, Count).Select(row => Part is not { } part ? row
        : HasCleanHalf && row >= Examples ? part.Ids.Count + part.First + row - Examples : part.First + row)];

    /// <summary>How the batch was mixed, or null. Of a <see cref="Part"/> the plan is that of the whole batch, unless it says otherwise.
    /// </summary>
    public MixPlan? Plan { get; init; }

    /// <summary>The targets of the mixed images; null exactly when <see cref="Plan"/> is.</summary>
    public PairTargets? Targets { get; init; }

    /// <summary>Rows [first, first + count) of a batch, mixed or not, as views. The plan stays that of the whole batch.</summary>
    internal Batch Rows(int first, int count) => this with
    {
        Images = Images.narrow(0, first, count),
        Labels = Labels.narrow(0, first, count),
        Ids = Ids.Count == 0 ? Ids : [.. Ids.Skip(first).Take(count)],
        Part = Part is { } part ? part with { First = part.First + first } : null,
        Masks = Masks?.narrow(0, first, count),
        Objects = Objects is null ? null : [.. Objects.Skip(first).Take(count)],
        Targets = Targets is null ? null
            : new PairTargets(Targets.A.narrow(0, first, count), Targets.B.narrow(0, first, count),
            [.. Targets.Lambdas.Skip(first).Take(count)],
            Targets.PartnerWeights is null ? null : [.. Targets.PartnerWeights.Skip(first).Take(count)]),
    };

    /// <summary>
    /// One rank's part of a batch that every rank has assembled and mixed as a whole; of one with a clean half the same rows of both. The
    /// tensors are views or new ones of the caller's dispose scope.
    /// </summary>
    internal Batch PartOf(int first, int count, bool spare)
    {
        var whole = Examples;
        var part = HasCleanHalf ? Joined(Rows(first, count), Rows(whole + first, count)) : Rows(first, count);
        return part with { Part = new BatchPart(first, [.. Ids.Take(whole)]) { IsSpare = spare } };
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

    /// <summary>Where an image's <see cref="Masks"/> are not 0, by its row; null without masks.</summary>
    internal Func<int, byte[]?>? ObjectMask => Masks is not { } masks ? null : row =>
    {
        using var scope = NewDisposeScope();
        return masks[row].ne(Zero).to(ScalarType.Byte).cpu().contiguous().data<byte>().ToArray();
    };
}

/// <summary>Which part of a batch a rank has.</summary>
/// <param name="First">Row of its first example in the whole batch.</param>
/// <param name="Ids">The examples of the whole batch.</param>
public sealed record BatchPart(int First, IReadOnlyList<int> Ids)
{
    /// <summary>
    /// True where the rank has no rows of this batch, because it is the last and a small one: it is given one row to go through the network
    /// with the others, which counts for nothing. Default false.
    /// </summary>
    public bool IsSpare { get; init; }

    /// <summary>
    /// True where the batch's plan is one for the rows of all ranks; false where each rank mixes its own rows among themselves, as methods
    /// do that look through the network. Default true.
    /// </summary>
    public bool PlansWhole { get; init; } = true;
}
