namespace Patchwork.Regularization;

/// <summary>DropBlock along one axis of a map.</summary>
/// <param name="Side">Side of the map.</param>
/// <param name="Block">Side of a block.</param>
/// <param name="Seeds">Number of places where a block can be seeded.</param>
/// <param name="Before">By how many elements a block begins before its seed.</param>
internal readonly record struct BlockAxis(int Side, int Block, int Seeds, int Before)
{
    /// <summary>Number of blocks that lie inside the map.</summary>
    public int Inside => Side - Block + 1;

    /// <summary>
    /// Zeros to put before the seeds so that a window of <see cref="Block"/> from element i on holds the seeds that reach i.
    /// </summary>
    public int FrameBefore => Block - 1 - Before;

    /// <summary>Zeros to put after them.</summary>
    public int FrameAfter => Side + Block - 1 - Seeds - FrameBefore;

    /// <summary>
    /// The share of a map dropped on average when every seed is set with probability γ: the mean over its elements of 1 - (1-γ)^(seeds in
    /// reach).
    /// </summary>
    public static double DropShare(double gamma, BlockAxis rows, BlockAxis columns)
    {
        var kept = 0.0;
        var across = columns.Reaches();
        foreach (var (down, rowCount) in rows.Reaches())
            foreach (var (right, columnCount) in across)
                kept += Math.Pow(1 - gamma, (double)down * right) * rowCount * columnCount;
        return 1 - kept / ((double)rows.Side * columns.Side);
    }

    /// <summary>The γ whose <see cref="DropShare"/> is the one wanted, found by bisection: the share grows with γ.</summary>
    public static double GammaFor(double share, BlockAxis rows, BlockAxis columns)
    {
        if (share is 0 or 1)
            return share;
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < 60; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = DropShare(middle, rows, columns) < share ? (middle, high) : (low, middle);
        }
        return high;
    }

    // How many seeds reach an element, and how many elements of the axis that is true of.
    private List<(int Reach, int Elements)> Reaches()
    {
        var counts = new SortedDictionary<int, int>();
        for (var i = 0; i < Side; i++)
        {
            var reach = Math.Min(Seeds - 1, i + Before) - Math.Max(0, i + Before - Block + 1) + 1;
            counts[reach] = counts.GetValueOrDefault(reach) + 1;
        }
        return [.. counts.Select(pair => (pair.Key, pair.Value))];
    }
}
