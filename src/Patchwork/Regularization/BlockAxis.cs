namespace Patchwork.Regularization;

/// <summary>The geometry of DropBlock along one axis of a feature map.</summary>
/// <param name="Side">Length of the map along the axis.</param>
/// <param name="Block">Length of a block.</param>
/// <param name="Seeds">Number of positions where a block can be seeded.</param>
/// <param name="Before">Number of elements by which a block starts before its seed.</param>
internal readonly record struct BlockAxis(int Side, int Block, int Seeds, int Before)
{
    /// <summary>Number of positions at which a block is inside the map.</summary>
    public int Inside => Side - Block + 1;

    /// <summary>
    /// Number of zeros to pad before the seeds, so that a window of <see cref="Block"/> elements starting at i contains the seeds whose
    /// block covers element i.
    /// </summary>
    public int FrameBefore => Block - 1 - Before;

    /// <summary>Number of zeros to pad after the seeds.</summary>
    public int FrameAfter => Side + Block - 1 - Seeds - FrameBefore;

    /// <summary>
    /// The mean share of a map that is dropped when every seed is set with probability γ: the mean over its elements of
    /// 1 - (1-γ)^(number of seeds whose block covers the element).
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

    /// <summary>Finds the γ for a given <see cref="DropShare"/> by bisection, since the share grows with γ.</summary>
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

    // For each number of seeds that can cover an element, the number of elements of the axis with that number.
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
