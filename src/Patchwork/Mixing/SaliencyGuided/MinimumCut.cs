namespace Patchwork.Mixing;

/// <summary>
/// The cheapest of all ways to answer yes or no at every node, where neighbours that differ cost something:
/// <c>min Σ_p θ_p(x_p) + Σ_pq w_pq·[x_p ≠ x_q]</c>, w ≥ 0. It is the minimum cut of a graph with a source and a sink, found by its
/// maximum flow (Dinic 1970;
/// Kolmogorov and Zabih, "What Energy Functions Can Be Minimized via Graph Cuts?", 2004).
/// </summary>
internal sealed class MinimumCut
{
    private readonly List<(int To, double Left)> edges = [];      // an edge and its reverse stand at 2k and 2k + 1
    private readonly List<int>[] leaving;
    private readonly int source, sink;      // the two nodes after all others

    public MinimumCut(int nodes)
    {
        (source, sink) = (nodes, nodes + 1);
        leaving = [.. Enumerable.Range(0, nodes + 2).Select(_ => new List<int>())];
    }

    /// <summary>θ of a node, of any sign.</summary>
    public void AddNode(int node, double costOfNo, double costOfYes)
    {
        var least = Math.Min(costOfNo, costOfYes);      // a constant does not change who wins, and capacities must not be negative
        Connect(source, node, costOfNo - least, 0);
        Connect(node, sink, costOfYes - least, 0);
    }

    /// <summary>w of two neighbours, 0 or more.</summary>
    public void AddNeighbours(int first, int second, double weight) => Connect(first, second, weight, weight);

    /// <summary>The answers. What can still be reached from the source after the flow says yes.</summary>
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

    // Steps from the source along edges with something left, -1 where none lead; false when the sink is cut off.
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

    // Sends at most so much from a node to the sink, one level at a time. The narrowest edge is left with exactly nothing, so that this
    // ends in doubles too.
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
