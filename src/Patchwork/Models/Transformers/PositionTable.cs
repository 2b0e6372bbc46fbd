using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Models;

/// <summary>A learned embedding for each position of a square grid of tokens.</summary>
internal static class PositionTable
{
    /// <summary>
    /// Returns the embeddings (1, h·w, D) for a grid of another shape than the square one that they were learned for, resized bicubically,
    /// or the table itself for the same grid.
    /// </summary>
    // Differs from timm: without antialiasing, which matters only when the grid shrinks.
    public static Tensor For(Tensor table, long height, long width)
    {
        var side = (long)Math.Sqrt(table.size(1));
        if (side == height && side == width)
            return table;
        using var scope = NewDisposeScope();
        var grid = table.reshape(1, side, side, -1).permute(0, 3, 1, 2);
        return nn.functional.interpolate(grid, [height, width], mode: InterpolationMode.Bicubic, align_corners: false)
            .flatten(2).transpose(1, 2).MoveToOuterDisposeScope();
    }
}
