namespace Patchwork.Mixing;

/// <summary>
/// The cheapest permutation: <c>min Σ_j cost(row_j, j)</c>, by shortest augmenting paths (Jonker and Volgenant, "A Shortest Augmenting
/// Path Algorithm for Dense
/// and Sparse Linear Assignment Problems", 1987).
/// </summary>
internal static class Assignment
{
    /// <summary>The row of each column.</summary>
    /// <param name="cost">n·n costs, row by row, of any sign.</param>
    /// <param name="n">Rows, and columns.</param>
    public static int[] Minimize(double[] cost, int n)
    {
        var (u, v) = (new double[n], new double[n]);      // prices: cost - u - v is 0 or more everywhere, and 0 where a row has its column
        var (rowOf, columnOf) = (Filled(n), Filled(n));
        for (var row = 0; row < n; row++)
        {
            var costs = cost.AsSpan(row * n, n);
            var least = row;      // on a tie it stays where it is
            for (var column = 0; column < n; column++)
                least = costs[column] < costs[least] ? column : least;
            u[row] = costs[least];
            if (rowOf[least] < 0)
                (rowOf[least], columnOf[row]) = (row, least);
        }
        for (var row = 0; row < n; row++)
        {
            if (columnOf[row] < 0)
                Augment(cost, n, row, u, v, rowOf, columnOf);
        }
        return rowOf;
    }

    // The cheapest way to make room for a row: others give up their columns, one after another, until a free one is reached (Dijkstra).
    private static void Augment(double[] cost, int n, int start, double[] u, double[] v, int[] rowOf, int[] columnOf)
    {
        var distance = new double[n];
        var from = new int[n];
        var done = new bool[n];
        Array.Fill(distance, double.PositiveInfinity);
        var (row, reached, end) = (start, 0.0, -1);
        while (end < 0)
        {
            var nearest = -1;
            for (var column = 0; column < n; column++)
            {
                if (done[column])
                    continue;
                var through = reached + cost[row * n + column] - u[row] - v[column];
                if (through < distance[column])
                    (distance[column], from[column]) = (through, row);
                if (nearest < 0 || distance[column] < distance[nearest])
                    nearest = column;
            }
            (done[nearest], reached) = (true, distance[nearest]);
            if (rowOf[nearest] < 0)
                end = nearest;
            else
                row = rowOf[nearest];
        }
        u[start] += reached;
        for (var column = 0; column < n; column++)
        {
            if (!done[column] || column == end)
                continue;
            u[rowOf[column]] += reached - distance[column];
            v[column] -= reached - distance[column];
        }
        for (var column = end; column >= 0;)
        {
            var giver = from[column];
            var given = columnOf[giver];      // none for the row that began
            (rowOf[column], columnOf[giver]) = (giver, column);
            column = given;
        }
    }

    private static int[] Filled(int n)
    {
        var none = new int[n];
        Array.Fill(none, -1);
        return none;
    }
}
