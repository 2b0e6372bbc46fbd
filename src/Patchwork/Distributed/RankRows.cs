namespace Patchwork.Distributed;

/// <summary>
/// The rows of a batch that belong to a rank: equal shares, one more row for the first ranks, and none for the last ranks if a share would
/// be a single row, from which BatchNorm cannot compute statistics.
/// </summary>
/// <param name="First">Its first row.</param>
/// <param name="Count">Number of rows; 0 for a rank that has none.</param>
internal readonly record struct RankRows(int First, int Count)
{
    /// <summary>The minimum number of rows of a rank that has any.</summary>
    public const int Least = 2;

    /// <summary>The rows of a batch that belong to a rank.</summary>
    public static RankRows Of(int count, int rank, int ranks)
    {
        var busy = Busy(count, ranks);
        if (rank >= busy)
            return new(0, 0);
        var (each, more) = (count / busy, count % busy);
        return new(rank * each + Math.Min(rank, more), rank < more ? each + 1 : each);
    }

    /// <summary>Number of ranks that have rows of a batch.</summary>
    public static int Busy(int count, int ranks) => Math.Clamp(count / Least, 1, ranks);
}
