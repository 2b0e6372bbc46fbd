using Patchwork.Schedules;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Regularization;

/// <summary>
/// DropBlock (Ghiasi, Lin, Le 2018, "DropBlock: A regularization method for convolutional networks", algorithm 1): squares of a feature map
/// become zero, and what is left is divided by its share of the whole tensor. In evaluation nothing happens. It acts in the last two
/// stages, a quarter as often in
/// the first of them (section 4.1 and the authors' code).
/// </summary>
public sealed record DropBlock : BranchRegularizer
{
    /// <inheritdoc/>
    public override string Id => "dropblock";

    /// <inheritdoc/>
    public override BranchPoint Point => BranchPoint.Features;

    /// <summary>Share of the last stage's elements to drop. Range [0, 1]. Default 0.1, as in the paper and in the CutMix paper.</summary>
    public override double DropProbability { get; init => field = Checked.Probability(value); } = 0.1;

    /// <summary>
    /// Side of a block, odd or even; where a map is smaller, the map's side. Range: at least 1. Default 4, the CutMix paper's for 32-pixel
    /// images; the method's own paper has 7 for photographs.
    /// </summary>
    public int BlockSize
    {
        get; init => field = value >= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"block size must be at least 1. Received: {value}.");
    } = 4;

    /// <summary>How often and where blocks begin. Default <see cref="DropBlockLaw.Exact"/>.</summary>
    public DropBlockLaw Law { get; init; } = DropBlockLaw.Exact;

    /// <summary>
    /// Whether an image's channels share one mask. Default false: the paper found independent masks better.
    /// <see cref="DropBlockLaw.Miguelvr"/>
    /// always shares.
    /// </summary>
    public bool SharedChannels { get; init; }

    /// <summary>
    /// Whether the drop probability is to rise linearly from 0 over the training (the paper, section 3), by <see cref="Ramp"/>. Default
    /// true. The layers know nothing of time: a recipe's run raises it, a loop of your own works at full strength unless it does so itself.
    /// </summary>
    public bool Ramps { get; init; } = true;

    /// <summary>γ, the probability that a block is set at one place of a map of this size. At most 1.</summary>
    public double Gamma(int height, int width, double dropProbability)
    {
        var (rows, columns) = Axes(height, width);
        var gamma = Law switch
        {
            DropBlockLaw.Exact => BlockAxis.GammaFor(dropProbability, rows, columns),
            DropBlockLaw.Miguelvr => dropProbability / ((double)BlockSize * BlockSize),
            // Equation 1. It counts the elements of all blocks as if blocks never overlapped, so it drops a little less than it promises.
            _ => dropProbability * height * width / ((double)rows.Block * columns.Block * rows.Inside * columns.Inside),
        };
        return Math.Min(1, gamma);
    }

    /// <summary>The share of a map of this size that is dropped on average.</summary>
    public double ExpectedDropShare(int height, int width, double dropProbability)
    {
        var (rows, columns) = Axes(height, width);
        return BlockAxis.DropShare(Gamma(height, width, dropProbability), rows, columns);
    }

    /// <summary>Shape of the draws for a batch of this shape (N, C, H, W): (N, C or 1, places down, places across).</summary>
    public long[] SeedShape(long[] shape)
    {
        var (rows, columns) = Axes((int)shape[2], (int)shape[3]);
        return [shape[0], SharedChannels || Law == DropBlockLaw.Miguelvr ? 1 : shape[1], rows.Seeds, columns.Seeds];
    }

    /// <summary>
    /// The mask (N, C or 1, H, W) of 1 where an element stays and 0 in every block, from seeds of <see cref="SeedShape"/> that are 1 where
    /// a block belongs. The caller owns it.
    /// </summary>
    public Tensor KeepMask(Tensor seeds, int height, int width)
    {
        var (rows, columns) = Axes(height, width);
        using var scope = NewDisposeScope();
        // An element is dropped when any seed of the window that could reach it is set: a maximum over the window.
        var framed = nn.functional.pad(seeds, [columns.FrameBefore, columns.FrameAfter, rows.FrameBefore, rows.FrameAfter]);
        var dropped = nn.functional.max_pool2d(framed, [rows.Block, columns.Block], [1L, 1L]);
        return OneMinus(dropped).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The elements that a mask keeps, divided by their share of the whole tensor; a mask that keeps none gives zeros. The result is a new
    /// tensor of the caller.
    /// </summary>
    /// <param name="features">(N, C, H, W); not changed.</param>
    /// <param name="keepMask">(N, C or 1, H, W), of the same type, or float32 for features of 16 bits.</param>
    public static Tensor Apply(Tensor features, Tensor keepMask) => Apply(features, keepMask, keepMask);

    /// <summary>The same for some rows of a batch, divided by the share that the mask of the whole batch keeps.</summary>
    internal static Tensor Apply(Tensor features, Tensor keepMask, Tensor wholeMask)
    {
        using var scope = NewDisposeScope();
        var scale = Held(wholeMask.numel()) / wholeMask.sum().clamp_min(One);
        return (features * (keepMask * scale)).to(features.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The drop probability of a block: p in the last stage, p/4 in the one before, 0 in all others.</summary>
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

/// <summary>How often and where blocks begin.</summary>
public enum DropBlockLaw
{
    /// <summary>
    /// Blocks inside the map, as often as it takes for the expected share of dropped elements to be exactly the drop probability.
    /// </summary>
    // Differs from the paper: its equation 1 forgets that blocks overlap.
    Exact,

    /// <summary>
    /// Blocks inside the map, by the paper's equation 1 and the authors' TPU code; a block as large as the map drops all of it.
    /// </summary>
    Paper,

    /// <summary>timm: equation 1 for blocks inside, yet blocks centred anywhere, so small maps lose far more than is asked for.</summary>
    Timm,

    /// <summary>miguelvr/dropblock: p/b² for blocks centred anywhere, one mask for all channels; loses less than is asked for.</summary>
    Miguelvr,

    /// <summary>torchvision: as <see cref="Paper"/>, with a square block cut to the map's smaller side.</summary>
    TorchVision,
}
