namespace Patchwork.Mixing;

/// <summary>
/// Solves the linear assignment problem, <c>min Σ_j cost(row_j, j)</c> over permutations, by shortest augmenting paths (Jonker and
/// Volgenant, "A Shortest Augmenting Path Algorithm for Dense and Sparse Linear Assignment Problems", 1987).
/// </summary>
internal static class Assignment
{
    /// <summary>Returns the row that is assigned to each column.</summary>
    /// <param name="cost">n·n costs, row by row, of any sign.</param>
    /// <param name="n">Number of rows and of columns.</param>
    public static int[] Minimize(double[] cost, int n)
    {
        var (u, v) = (new double[n], new double[n]);      // dual prices: cost - u - v is never negative, and 0 for assigned pairs
        var (rowOf, columnOf) = (Filled(n), Filled(n));
        for (var row = 0; row < n; row++)
        {
            var costs = cost.AsSpan(row * n, n);
            var least = row;      // on a tie, prefer the column with the row's own index
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

    // Finds the cheapest augmenting path for a row: other rows give up their columns until a free column is reached (Dijkstra).
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
            var given = columnOf[giver];      // -1 for the start row
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
