namespace Patchwork.Distributed;

/// <summary>
/// Which rows of a batch are a rank's: equal shares, one more for the first ranks, and none for the last ones where a share would be a
/// single row, which BatchNorm cannot measure.
/// </summary>
/// <param name="First">Its first row.</param>
/// <param name="Count">How many follow; 0 for a rank that has none.</param>
internal readonly record struct RankRows(int First, int Count)
{
    /// <summary>The fewest rows of a rank that has any.</summary>
    public const int Least = 2;

    /// <summary>A rank's rows of a batch.</summary>
    public static RankRows Of(int count, int rank, int ranks)
    {
        var busy = Busy(count, ranks);
        if (rank >= busy)
            return new(0, 0);
        var (each, more) = (count / busy, count % busy);
        return new(rank * each + Math.Min(rank, more), rank < more ? each + 1 : each);
    }

    /// <summary>How many ranks have rows of a batch.</summary>
    public static int Busy(int count, int ranks) => Math.Clamp(count / Least, 1, ranks);
}
