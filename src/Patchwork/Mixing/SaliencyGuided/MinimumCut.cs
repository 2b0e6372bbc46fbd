namespace Patchwork.Mixing;

/// <summary>
/// Finds the cheapest assignment of yes or no to every node of a graph, where neighbours with different answers have a cost:
/// <c>min Σ_p θ_p(x_p) + Σ_pq w_pq·[x_p ≠ x_q]</c>, w ≥ 0. This is the minimum cut of a graph with a source and a sink, found by maximum
/// flow (Dinic 1970; Kolmogorov and Zabih, "What Energy Functions Can Be Minimized via Graph Cuts?", 2004).
/// </summary>
internal sealed class MinimumCut
{
    private readonly List<(int To, double Left)> edges = [];      // an edge and its reverse are at 2k and 2k + 1
    private readonly List<int>[] leaving;
    private readonly int source, sink;      // the two nodes after all others

    public MinimumCut(int nodes)
    {
        (source, sink) = (nodes, nodes + 1);
        leaving = [.. Enumerable.Range(0, nodes + 2).Select(_ => new List<int>())];
    }

    /// <summary>Sets θ of a node, of any sign.</summary>
    public void AddNode(int node, double costOfNo, double costOfYes)
    {
        // Subtracting a constant does not change the optimum and keeps capacities non-negative.
        var least = Math.Min(costOfNo, costOfYes);
        Connect(source, node, costOfNo - least, 0);
        Connect(node, sink, costOfYes - least, 0);
    }

    /// <summary>Adds the cost w, 0 or more, of different answers at two neighbours.</summary>
    public void AddNeighbours(int first, int second, double weight) => Connect(first, second, weight, weight);

    /// <summary>Computes the answers: yes for nodes that can still be reached from the source after the maximum flow.</summary>
    public bool[] Solve()
    {
        var level = new int[leaving.Length];
        var next = new int[leaving.Length];
        while (Levels(level))
        {
            Array.Clear(next);
            while (Push(source, double.PositiveInfinity, level, next) > 0)
            {
            }
        }
        return [.. level.Take(source).Select(distance => distance >= 0)];
    }

    private void Connect(int from, int to, double forward, double backward)
    {
        leaving[from].Add(edges.Count);
        edges.Add((to, forward));
        leaving[to].Add(edges.Count);
        edges.Add((from, backward));
    }

    // Distances from the source along edges with remaining capacity, -1 for unreachable nodes; false when the sink is unreachable.
    private bool Levels(int[] level)
    {
        Array.Fill(level, -1);
        level[source] = 0;
        var queue = new Queue<int>([source]);
        while (queue.TryDequeue(out var node))
        {
            foreach (var edge in leaving[node])
            {
                var (to, left) = edges[edge];
                if (left <= 0 || level[to] >= 0)
                    continue;
                level[to] = level[node] + 1;
                queue.Enqueue(to);
            }
        }
        return level[sink] >= 0;
    }

    // Pushes at most `most` from a node to the sink, one level at a time. The bottleneck edge ends at exactly 0, so this terminates with
    // floating-point capacities too.
    private double Push(int node, double most, int[] level, int[] next)
    {
        if (node == sink)
            return most;
        for (; next[node] < leaving[node].Count; next[node]++)
        {
            var edge = leaving[node][next[node]];
            var (to, left) = edges[edge];
            if (left <= 0 || level[to] != level[node] + 1)
                continue;
            var pushed = Push(to, Math.Min(most, left), level, next);
            if (pushed <= 0)
                continue;
            edges[edge] = (to, left - pushed);
            edges[edge ^ 1] = (edges[edge ^ 1].To, edges[edge ^ 1].Left + pushed);
            return pushed;
        }
        return 0;
    }
}
