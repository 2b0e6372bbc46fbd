using Patchwork.Plans;
using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// The embedded drawings: 2,000 training and 1,000 test pictures of 32×32 in ten classes, drawn by this file. Each picture shows one large
/// figure on clutter: a colour gradient, blotches, noise, and small figures of any class. The box and mask of the large figure are known.
/// </summary>
/// <remarks>
/// The set is small enough to memorise, but varied enough that memorising does not suffice, so the effect of a regularizer is visible. The
/// difficulty was set with the baseline alone and then frozen; a test pins the checksum.
/// </remarks>
internal sealed class Shapes : Dataset
{
    private const int Side = 32, Area = Side * Side, TrainCount = 2_000, TestCount = 1_000;
    private const ulong Seed = 1905_04899;      // arXiv 1905.04899

    private static readonly Lazy<DatasetPair> Pair = new(() =>
        new DatasetPair("shapes", new Shapes("shapes/train", TrainCount), new Shapes("shapes/test", TestCount)));

    private readonly byte[] pixels, masks, labels;
    private readonly Box[] boxes;

    private Shapes(string purpose, int count)
    {
        Count = count;
        (pixels, masks, labels, boxes) = (new byte[count * 3 * Area], new byte[count * Area], new byte[count], new Box[count]);
        var seeds = new SeedStream(Seed);
        var order = seeds.Open(purpose, epoch: 1).Permutation(count);      // balanced classes in random order
        Parallel.For(0, count, i =>
        {
            labels[i] = (byte)(order[i] % ClassNames.Count);
            Draw(i, seeds.Open(purpose, 0, i));
        });
    }

    /// <summary>Opens the set, which is drawn once per process.</summary>
    public static DatasetPair Open() => Pair.Value;

    public override int Count { get; }

    public override int Channels => 3;

    public override int Height => Side;

    public override int Width => Side;

    public override IReadOnlyList<string> ClassNames => ShapesFigure.Names;

    public override Normalization Normalization { get; } = new([0.4979f, 0.4949f, 0.4989f], [0.2052f, 0.2067f, 0.2040f]);

    public override int Label(int index) => labels[index];

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => pixels.AsSpan(index * 3 * Area, 3 * Area);

    public override Box? ObjectBox(int index) => boxes[index];

    public override ReadOnlySpan<byte> ObjectMask(int index) => masks.AsSpan(index * Area, Area);

    private void Draw(int index, Draws draws)
    {
        var canvas = new double[3 * Area];
        Background(canvas, draws);
        for (var clutter = 2 + draws.Integer(3); clutter > 0; clutter--)
            Paint(canvas, new ShapesFigure(draws.Integer(ClassNames.Count), 2.0, 4.0, Side, draws), Colour(draws), 0.9, default);
        var mask = masks.AsSpan(index * Area, Area);
        Paint(canvas, new ShapesFigure(labels[index], 8.0, 13.0, Side, draws), Colour(draws), 0.9, mask);
        var target = pixels.AsSpan(index * 3 * Area, 3 * Area);
        for (var i = 0; i < canvas.Length; i++)
            target[i] = (byte)Math.Clamp(canvas[i] + draws.Uniform(-15, 15) + 0.5, 0, 255);
        boxes[index] = Around(mask);
    }

    // A gradient between two colours, and blotches: a coarse grid of noise, interpolated.
    private static void Background(double[] canvas, Draws draws)
    {
        const int cells = 5;
        var (from, to) = (Colour(draws), Colour(draws));
        var (down, across) = (draws.Uniform(-1, 1), draws.Uniform(-1, 1));
        var scale = Math.Abs(down) + Math.Abs(across);
        var grid = new double[3, cells + 1, cells + 1];
        for (var channel = 0; channel < 3; channel++)
            for (var i = 0; i <= cells; i++)
                for (var j = 0; j <= cells; j++)
                    grid[channel, i, j] = draws.Uniform(-40, 40);
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var share = 0.5 + (down * (y - 15.5) + across * (x - 15.5)) / (31 * scale);
                var (gridY, gridX) = (y * (double)cells / Side, x * (double)cells / Side);
                var (i, j) = ((int)gridY, (int)gridX);
                var (fy, fx) = (gridY - i, gridX - j);
                for (var channel = 0; channel < 3; channel++)
                {
                    var blotch = (1 - fy) * ((1 - fx) * grid[channel, i, j] + fx * grid[channel, i, j + 1])
                        + fy * ((1 - fx) * grid[channel, i + 1, j] + fx * grid[channel, i + 1, j + 1]);
                    canvas[channel * Area + y * Side + x] = from[channel] + share * (to[channel] - from[channel]) + blotch;
                }
            }
        }
    }

    private static void Paint(double[] canvas, ShapesFigure figure, double[] colour, double opacity, Span<byte> mask)
    {
        var (top, left, bottom, right) = figure.Reach(Side);
        for (var y = top; y < bottom; y++)
        {
            for (var x = left; x < right; x++)
            {
                var covered = figure.Coverage(y, x);
                if (covered == 0)
                    continue;
                var share = opacity * covered / 16;
                for (var channel = 0; channel < 3; channel++)
                {
                    ref var value = ref canvas[channel * Area + y * Side + x];
                    value += share * (colour[channel] - value);
                }
                if (!mask.IsEmpty && covered >= 8)
                    mask[y * Side + x] = 1;
            }
        }
    }

    private static double[] Colour(Draws draws) => [draws.Uniform(20, 235), draws.Uniform(20, 235), draws.Uniform(20, 235)];

    private static Box Around(ReadOnlySpan<byte> mask)
    {
        var (top, left, bottom, right) = (Side, Side, 0, 0);
        for (var i = 0; i < Area; i++)
        {
            if (mask[i] == 0)
                continue;
            (top, left) = (Math.Min(top, i / Side), Math.Min(left, i % Side));
            (bottom, right) = (Math.Max(bottom, i / Side + 1), Math.Max(right, i % Side + 1));
        }
        return new Box(top, left, bottom, right);
    }
}
