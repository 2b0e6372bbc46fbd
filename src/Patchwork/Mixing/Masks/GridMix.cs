using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Mixing;

/// <summary>
/// GridMix (Baek, Bang, Shim, "GridMix: Strong regularization through local context mapping", Pattern Recognition 2021): the image is
/// divided into n × n cells, and the share 1-λ of the cells, λ ~ Beta(α, α), comes from the partner; λ' = mean(M).
/// </summary>
/// <remarks>Differs from the paper: its second loss, which predicts a label for every cell, is omitted, as in the public
/// benchmarks.</remarks>
public sealed record GridMix : BlindMixer
{
    /// <summary>Number of cells per side, limited to the number of pixels per side. Range: at least 1. Default 4.</summary>
    public int Cells
    {
        get;
        init => field = value >= 1 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"cells must be 1 or more. Received: cells = {value}.");
    } = 4;

    /// <summary>Which pixels come from the partner. Default <see cref="GridLayout.Cells"/>.</summary>
    public GridLayout Layout { get; init; } = GridLayout.Cells;

    /// <inheritdoc/>
    public override string Id => "gridmix";

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context, double alpha, Draws draws)
    {
        var (height, width) = (context.Height, context.Width);
        var lambda = draws.Beta(alpha, alpha);
        var (rows, columns) = (Math.Min(Cells, height), Math.Min(Cells, width));
        var replaced = new bool[rows * columns];
        if (Layout == GridLayout.Holes)
            Array.Fill(replaced, true);
        else
            foreach (var cell in draws.Permutation(replaced.Length)[..(int)Math.Round((1 - lambda) * replaced.Length)])
                replaced[cell] = true;
        var weights = new float[height * width];
        Array.Fill(weights, 1);
        for (var cell = 0; cell < replaced.Length; cell++)
        {
            if (!replaced[cell])
                continue;
            var (row, column) = (cell / columns, cell % columns);
            var box = new Box(row * height / rows, column * width / columns, (row + 1) * height / rows, (column + 1) * width / columns);
            if (Layout == GridLayout.Holes)
                box = Middle(box, Math.Sqrt(1 - lambda));
            for (var y = box.Top; y < box.Bottom; y++)
                weights.AsSpan(y * width + box.Left, box.Width).Clear();
        }
        var region = new MaskRegion(weights);
        return new DrawnRegion(region, lambda, region.KeptShare(height, width));
    }

    private static Box Middle(Box cell, double share)
    {
        var (height, width) = ((int)Math.Round(cell.Height * share), (int)Math.Round(cell.Width * share));
        var (top, left) = (cell.Top + (cell.Height - height) / 2, cell.Left + (cell.Width - width) / 2);
        return new Box(top, left, top + height, left + width);
    }
}

/// <summary>Which pixels GridMix takes from the partner.</summary>
public enum GridLayout
{
    /// <summary>Whole cells, chosen at random.</summary>
    Cells,

    /// <summary>The middle of every cell, with sides √(1-λ) times the cell's (as in the public code that benchmarks use).</summary>
    Holes,
}
