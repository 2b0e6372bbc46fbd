namespace Patchwork.Mixing;

/// <summary>
/// A labelling problem on a grid: every cell gets one of L labels, and a labelling has the cost
/// <c>E(l) = Σ_p U_p(l_p) + Σ_pq w_pq·((l_p - l_q)/(L-1))²</c>, where pq are vertical and horizontal neighbours (PuzzleMix, equation 4 in
/// the form of its code).
/// </summary>
/// <param name="Side">Cells along a side.</param>
/// <param name="Unary">U: for each label the cost of each cell, row by row.</param>
/// <param name="Down">w of a cell and the one below, (Side-1)·Side, 0 or more.</param>
/// <param name="Across">w of a cell and the one to its right, Side·(Side-1), 0 or more.</param>
internal sealed record LabelGrid(int Side, double[][] Unary, double[] Down, double[] Across)
{
    private int Labels => Unary.Length;

    /// <summary>The cost E of a labelling.</summary>
    public double Energy(int[] labels) =>
        labels.Select((label, cell) => Unary[label][cell]).Sum() + Neighbours()
            .Sum(pair => pair.Weight * Difference(labels[pair.First], labels[pair.Second]));

    /// <summary>
    /// Returns a labelling that no swap of two labels can improve (alpha-beta swap: Boykov, Veksler and Zabih, "Fast Approximate Energy
    /// Minimization via Graph Cuts", 2001). Each swap is the best possible one, found by a minimum cut. With two labels, the result is the
    /// optimum. Starts from the cheapest label of each cell.
    /// </summary>
    public int[] Minimize()
    {
        int[] labels = [.. Enumerable.Range(0, Side * Side).Select(cell => Enumerable.Range(0, Labels).MinBy(label => Unary[label][cell]))];
        var energy = Energy(labels);
        for (var improved = true; improved;)
        {
            improved = false;
            for (var first = 0; first < Labels; first++)
            {
                for (var second = first + 1; second < Labels; second++)
                {
                    var swapped = Swapped(labels, first, second);
                    var now = Energy(swapped);
                    if (now >= energy - 1e-12 * Math.Abs(energy))
                        continue;
                    (labels, energy, improved) = (swapped, now, true);
                }
            }
        }
        return labels;
    }

    // The best swap of two labels among the cells that have one of them. The costs towards all other neighbours are part of θ.
    private int[] Swapped(int[] labels, int first, int second)
    {
        int[] cells = [.. Enumerable.Range(0, labels.Length).Where(cell => labels[cell] == first || labels[cell] == second)];
        var node = new int[labels.Length];
        Array.Fill(node, -1);
        foreach (var (k, cell) in cells.Index())
            node[cell] = k;
        var cut = new MinimumCut(cells.Length);
        var (ofFirst, ofSecond) = (cells.Select(cell => Unary[first][cell]).ToArray(), cells.Select(cell => Unary[second][cell]).ToArray());
        foreach (var (p, q, weight) in Neighbours())
        {
            if (node[p] >= 0 && node[q] >= 0)
                cut.AddNeighbours(node[p], node[q], weight * Difference(first, second));
            else if (node[p] >= 0 || node[q] >= 0)
            {
                var (own, fixedLabel) = node[p] >= 0 ? (node[p], labels[q]) : (node[q], labels[p]);
                ofFirst[own] += weight * Difference(first, fixedLabel);
                ofSecond[own] += weight * Difference(second, fixedLabel);
            }
        }
        for (var k = 0; k < cells.Length; k++)
            cut.AddNode(k, costOfNo: ofFirst[k], costOfYes: ofSecond[k]);
        var answers = cut.Solve();
        var swapped = labels.ToArray();
        foreach (var (k, cell) in cells.Index())
            swapped[cell] = answers[k] ? second : first;
        return swapped;
    }

    private double Difference(int first, int second)
    {
        var steps = (first - second) / (double)(Labels - 1);
        return steps * steps;
    }

    private IEnumerable<(int First, int Second, double Weight)> Neighbours()
    {
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                if (y + 1 < Side)
                    yield return (y * Side + x, (y + 1) * Side + x, Down[y * Side + x]);
                if (x + 1 < Side)
                    yield return (y * Side + x, y * Side + x + 1, Across[y * (Side - 1) + x]);
            }
        }
    }
}
