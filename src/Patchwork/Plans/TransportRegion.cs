namespace Patchwork.Plans;

/// <summary>
/// Both images are cut into blocks, the blocks are permuted, and then blended block by block (PuzzleMix): the block at j is
/// <c>M_j·x_a[Own_j] + (1-M_j)·x_b[Partner_j]</c>.
/// </summary>
/// <param name="Side">Number of blocks along a side; it must divide the image's height and width.</param>
/// <param name="Weights">M of each block: Side·Side numbers from 0 to 1, row by row.</param>
/// <param name="Own">The block of the image that moves to each place: a permutation of 0 … Side·Side - 1.</param>
/// <param name="Partner">The block of the partner that moves to each place: a permutation of 0 … Side·Side - 1.</param>
public sealed record TransportRegion(int Side, float[] Weights, int[] Own, int[] Partner) : Region
{
    /// <inheritdoc/>
    public override bool IsEmpty { get; } = Array.TrueForAll(Weights, weight => weight == 1)
        && Own.SequenceEqual(Enumerable.Range(0, Own.Length));

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => IsEmpty ? Box.Empty : Box.Whole(height, width);

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width)
    {
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                mask[y * width + x] = Weights[y / (height / Side) * Side + x / (width / Side)];
        }
    }

    internal override string? Misfit(int height, int width)
    {
        var count = (long)Side * Side;
        if (Side < 1 || height % Side != 0 || width % Side != 0)
            return $"Blocks must divide the image of {height}×{width} pixels. Received: {Side} blocks per side";
        if (Weights.Length != count || !Array.TrueForAll(Weights, weight => weight is >= 0 and <= 1))
            return $"There must be {count} weights from 0 to 1, one per block. Received: {Weights.Length} weights";
        return IsPermutation(Own, count) && IsPermutation(Partner, count) ? null
            : $"The moves of blocks must be permutations of 0 to {count - 1}. Received: other values";
    }

    private static bool IsPermutation(int[] blocks, long count) =>
        blocks.Length == count && blocks.Order().SequenceEqual(Enumerable.Range(0, (int)count));
}
