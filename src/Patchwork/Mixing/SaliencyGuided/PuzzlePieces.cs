using Patchwork.Internals;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// The data that PuzzleMix needs about a batch cut into blocks: the saliency of each block and the differences at block borders.
/// </summary>
/// <param name="Side">Blocks along a side.</param>
/// <param name="Saliency">For each image, the share of its saliency in each block: Side·Side numbers that sum to 1.</param>
/// <param name="Below">Borders between a block and the one below, (Side-1)·Side.</param>
/// <param name="Beside">Borders between a block and the one to its right, Side·(Side-1).</param>
/// <param name="TransportSide">Number of moving parts along a side.</param>
/// <param name="FineSaliency">Like Saliency, for the moving parts.</param>
internal sealed record PuzzlePieces(int Side, double[][] Saliency, PictureBorders Below, PictureBorders Beside, int TransportSide,
    double[][] FineSaliency)
{
    /// <summary>
    /// Cuts images (N, C, H, W) and their saliency (N, H, W) into <paramref name="side"/> blocks per side; this number must divide H and W.
    /// </summary>
    public static PuzzlePieces Of(Tensor images, Tensor saliency, int[] partners, int side, PuzzleMix options)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var (height, width) = ((int)images.size(2) / side, (int)images.size(3) / side);      // of a block
        var (strip, stripAcross) = (LargestDivisor(height, options.BorderWidth), LargestDivisor(width, options.BorderWidth));
        var pooled = nn.functional.avg_pool2d(Pictures(images), [strip, stripAcross]);
        var (k, kAcross) = (height / strip, width / stripAcross);      // pooled cells per block
        var rows = RowIndex.Of(partners, images.device);
        var parts = options.Transport ? Parts(height, width, side, options.TransportSide) : 1;
        return new PuzzlePieces(side, Shares(saliency, side),
            PictureBorders.Of(pooled, rows, dim: 2, side, k, kAcross),
            PictureBorders.Of(pooled, rows, dim: 3, side, kAcross, k),
            side * parts, Shares(saliency, side * parts));
    }

    // Estimates the original colours from 0 to 1 of a normalized batch: the minimum of each channel becomes 0 and its maximum 1.
    // Differs from the paper's code, which uses the mean and standard deviation of the data set.
    private static Tensor Pictures(Tensor images)
    {
        var real = images.to(ScalarType.Float32);
        var (least, greatest) = (real.amin([0, 2, 3], keepdim: true), real.amax([0, 2, 3], keepdim: true));
        return (real - least) / (greatest - least).clamp_min(Held(1e-12));
    }

    // The share of the saliency in each block; if the total is 0 or not finite, all blocks get the same share.
    private static double[][] Shares(Tensor saliency, int side)
    {
        var (height, width) = (saliency.size(1) / side, saliency.size(2) / side);
        var sums = nn.functional.avg_pool2d(saliency.unsqueeze(1), [height, width]).flatten(1).to(ScalarType.Float64).cpu();
        var values = sums.contiguous().data<double>().ToArray().Chunk(side * side);
        return [.. values.Select(blocks =>
            blocks.Sum() is > 0 and < double.PositiveInfinity and var all ? blocks.Select(block => block / all).ToArray()
            : [.. blocks.Select(_ => 1.0 / blocks.Length)])];
    }

    // Number of parts along the side of a block: no part is smaller than `least`, and the image has at most 16 parts along a side.
    private static int Parts(int height, int width, int side, int least) =>
        Enumerable.Range(1, PuzzleMix.MostBlocks / side).Last(parts => parts == 1
            || (height % parts == 0 && width % parts == 0 && height / parts >= least && width / parts >= least));

    private static int LargestDivisor(int number, int most) =>
        Enumerable.Range(1, Math.Min(number, most)).Last(divisor => number % divisor == 0);
}

/// <summary>
/// Mean absolute difference across block borders, 0 to 1: within an image, and between an image and its partner on either side.
/// </summary>
internal sealed class PictureBorders
{
    private readonly double[][] same, ownThenPartner, partnerThenOwn;

    private PictureBorders(double[][] same, double[][] ownThenPartner, double[][] partnerThenOwn) =>
        (this.same, this.ownThenPartner, this.partnerThenOwn) = (same, ownThenPartner, partnerThenOwn);

    /// <summary>
    /// The four differences for an image and its partner. The names give the image above (or left), then the image below (or right).
    /// </summary>
    public (double[] OwnOwn, double[] OwnPartner, double[] PartnerOwn, double[] PartnerPartner) Of(int row, int partner) =>
        (same[row], ownThenPartner[row], partnerThenOwn[row], same[partner]);

    /// <summary>Measures the differences across the borders.</summary>
    /// <param name="pooled">Images (N, C, side·k, side·kAcross), averaged over cells.</param>
    /// <param name="partners">Rows of the partners, (N).</param>
    /// <param name="dim">2 for borders with the block below, 3 for those with the block to the right.</param>
    /// <param name="side">Blocks along a side.</param>
    /// <param name="cells">Cells per block perpendicular to the border.</param>
    /// <param name="along">Cells per block along the border.</param>
    public static PictureBorders Of(Tensor pooled, Tensor partners, int dim, int side, int cells, int along)
    {
        // Offset -1: the last cells before each border; offset 0: the first cells after it.
        Tensor Cells(int offset) =>
            pooled.index_select(dim, RowIndex.Of(Enumerable.Range(1, side - 1).Select(border => border * cells + offset), pooled.device));
        var (before, behind) = (Cells(-1), Cells(0));
        var (partnerBefore, partnerBehind) = (before.index_select(0, partners), behind.index_select(0, partners));
        double[][] Difference(Tensor first, Tensor second)
        {
            if (side == 1)
                return [.. Enumerable.Range(0, (int)pooled.size(0)).Select(_ => Array.Empty<double>())];
            var apart = (first - second).abs().mean([1]);      // (N, side-1, side·along) for dim 2, (N, side·along, side-1) for dim 3
            var means = dim == 2 ? apart.reshape(-1, side - 1, side, along).mean([3]) : apart.reshape(-1, side, along, side - 1).mean([2]);
            var values = means.to(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
            return [.. values.Chunk(side * (side - 1))];
        }
        return new PictureBorders(Difference(before, behind), Difference(before, partnerBehind), Difference(partnerBefore, behind));
    }
}
