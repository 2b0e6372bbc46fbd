using Patchwork.Schedules;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// DropBlock (Ghiasi, Lin, Le 2018, "DropBlock: A regularization method for convolutional networks", algorithm 1): sets squares of a
/// feature map to zero and divides the kept elements by their share of the whole tensor. In evaluation mode it does nothing. It acts in the
/// last two stages, with a quarter of the drop probability in the first of them (section 4.1 and the authors' code).
/// </summary>
public sealed record DropBlock : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "dropblock";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.Features;

    /// <summary>Share of the elements to drop in the last stage. Range [0, 1]. Default 0.1, as in the paper and the CutMix paper.</summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.1;

    /// <summary>
    /// Side of a block, odd or even, limited to the side of the feature map. Range: at least 1. Default 4, as in the CutMix paper for
    /// 32-pixel images; the DropBlock paper uses 7 for photographs.
    /// </summary>
    public int BlockSize
    {
        get; init => field = value >= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"block size must be at least 1. Received: {value}.");
    } = 4;

    /// <summary>How often blocks are dropped, and where. Default <see cref="DropBlockLaw.Exact"/>.</summary>
    public DropBlockLaw Law { get; init; } = DropBlockLaw.Exact;

    /// <summary>
    /// Whether the channels of an image share one mask. Default false, because the paper found independent masks better. With
    /// <see cref="DropBlockLaw.Miguelvr"/> they always share one.
    /// </summary>
    public bool SharedChannels { get; init; }

    /// <summary>
    /// Whether the drop probability should rise linearly from 0 during training (paper, section 3), as given by <see cref="Ramp"/>. Default
    /// true. The layers do not do this themselves: the run of a recipe raises the probability, and in your own loop the method has full
    /// strength unless you raise it.
    /// </summary>
    public bool Ramps { get; init; } = true;

    /// <summary>Computes γ, the probability that a block is dropped at one position of a map of this size. At most 1.</summary>
    public double Gamma(int height, int width, double dropProbability)
    {
        var (rows, columns) = Axes(height, width);
        var gamma = Law switch
        {
            DropBlockLaw.Exact => BlockAxis.GammaFor(dropProbability, rows, columns),
            DropBlockLaw.Miguelvr => dropProbability / ((double)BlockSize * BlockSize),
            // Equation 1. It assumes that blocks never overlap, so it drops slightly less than intended.
            _ => dropProbability * height * width / ((double)rows.Block * columns.Block * rows.Inside * columns.Inside),
        };
        return Math.Min(1, gamma);
    }

    /// <summary>Computes the mean share of a map of this size that is dropped.</summary>
    public double ExpectedDropShare(int height, int width, double dropProbability)
    {
        var (rows, columns) = Axes(height, width);
        return BlockAxis.DropShare(Gamma(height, width, dropProbability), rows, columns);
    }

    /// <summary>
    /// Returns the shape of the draws for a batch of this shape (N, C, H, W): (N, C or 1, positions down, positions across).
    /// </summary>
    public long[] SeedShape(long[] shape)
    {
        var (rows, columns) = Axes((int)shape[2], (int)shape[3]);
        return [shape[0], SharedChannels || Law == DropBlockLaw.Miguelvr ? 1 : shape[1], rows.Seeds, columns.Seeds];
    }

    /// <summary>
    /// Returns the mask (N, C or 1, H, W), 1 where an element is kept and 0 in every block, from seeds of the shape <see cref="SeedShape"/>
    /// that are 1 where a block is dropped. The caller owns it.
    /// </summary>
    public Tensor KeepMask(Tensor seeds, int height, int width)
    {
        var (rows, columns) = Axes(height, width);
        using var scope = NewDisposeScope();
        // An element is dropped when any seed whose block covers it is set: a maximum over a window.
        var framed = nn.functional.pad(seeds, [columns.FrameBefore, columns.FrameAfter, rows.FrameBefore, rows.FrameAfter]);
        var dropped = nn.functional.max_pool2d(framed, [rows.Block, columns.Block], [1L, 1L]);
        return OneMinus(dropped).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the elements that a mask keeps, divided by their share of the whole tensor; a mask that keeps nothing gives zeros. The
    /// result is a new tensor that the caller owns.
    /// </summary>
    /// <param name="features">(N, C, H, W); not changed.</param>
    /// <param name="keepMask">(N, C or 1, H, W), of the same type, or float32 for 16-bit features.</param>
    public static Tensor Apply(Tensor features, Tensor keepMask) => Apply(features, keepMask, keepMask);

    /// <summary>Does the same for some rows of a batch, divided by the share that the mask of the whole batch keeps.</summary>
    internal static Tensor Apply(Tensor features, Tensor keepMask, Tensor wholeMask)
    {
        using var scope = NewDisposeScope();
        var scale = Held(wholeMask.numel()) / wholeMask.sum().clamp_min(One);
        return (features * (keepMask * scale)).to(features.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the drop probability of a block: p in the last stage, p/4 in the one before, 0 in all others.</summary>
    public override double DropProbabilityAt(BlockPlace place) =>
        (place.Stages - place.Stage) switch { 0 => DropProbability, 1 => DropProbability / 4, _ => 0 };

    /// <inheritdoc/>
    public override StrengthSchedule? Ramp(int epochs) =>
        Ramps ? new StrengthSchedule((0, 0), (epochs, DropProbability)) { PerStep = true } : null;

    /// <inheritdoc/>
    public override nn.Module<Tensor, Tensor>? LayerAt(BlockPlace place) =>
        place.Stages - place.Stage <= 1 ? new DropBlockLayer(this, place) : null;

    private (BlockAxis Rows, BlockAxis Columns) Axes(int height, int width)
    {
        BlockAxis Inside(int side, int block) => new(side, block, side - block + 1, 0);
        BlockAxis Anywhere(int side, int block, int before) => new(side, block, side, before);
        var (down, across) = (Math.Min(BlockSize, height), Math.Min(BlockSize, width));
        var square = Math.Min(down, across);
        return Law switch
        {
            DropBlockLaw.Timm => (Anywhere(height, down, down / 2), Anywhere(width, across, across / 2)),
            DropBlockLaw.Miguelvr => (Anywhere(height, BlockSize, (BlockSize - 1) / 2), Anywhere(width, BlockSize, (BlockSize - 1) / 2)),
            DropBlockLaw.TorchVision => (Inside(height, square), Inside(width, square)),
            _ => (Inside(height, down), Inside(width, across)),
        };
    }
}

/// <summary>How often blocks are dropped, and where.</summary>
public enum DropBlockLaw
{
    /// <summary>
    /// Blocks are inside the map, and γ is chosen so that the expected share of dropped elements is exactly the drop probability.
    /// </summary>
    // Differs from the paper: its equation 1 ignores that blocks overlap.
    Exact,

    /// <summary>
    /// Blocks are inside the map, with γ from the paper's equation 1 and the authors' TPU code; a block as large as the map drops all of
    /// it.
    /// </summary>
    Paper,

    /// <summary>
    /// As in timm: γ is computed for blocks inside the map, but blocks are centred anywhere, so small maps lose far more than the drop
    /// probability.
    /// </summary>
    Timm,

    /// <summary>
    /// As in miguelvr/dropblock: γ = p/b², blocks are centred anywhere, and all channels share one mask. Drops less than the drop
    /// probability.
    /// </summary>
    Miguelvr,

    /// <summary>As in torchvision: like <see cref="Paper"/>, with a square block limited to the map's shorter side.</summary>
    TorchVision,
}
