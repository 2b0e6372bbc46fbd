using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Plans;

/// <summary>
/// The part of an image that a plan changes. The set of regions is closed, so that every reader of a plan knows all of them. M is the
/// weight of the image itself at each pixel: <c>x = M⊙x_a + (1-M)⊙x_b</c>.
/// </summary>
public abstract record Region
{
    private protected Region() { }

    /// <summary>True when no pixel changes.</summary>
    public abstract bool IsEmpty { get; }

    /// <summary>The bounding box of all pixels that can change.</summary>
    public abstract Box Reach(int height, int width);

    /// <summary>Writes M, one number from 0 to 1 per pixel, row by row.</summary>
    public abstract void WriteMask(Span<float> mask, int height, int width);

    /// <summary>The share of the image that is kept, 0 to 1: the mean of M, which is the measured λ.</summary>
    public virtual double KeptShare(int height, int width)
    {
        var mask = new float[height * width];
        WriteMask(mask, height, width);
        var sum = 0.0;
        foreach (var weight in mask)
            sum += weight;
        return Math.Clamp(sum / mask.Length, 0, 1);
    }

    /// <summary>Why the region does not fit an image of this size; null when it does.</summary>
    internal abstract string? Misfit(int height, int width);
}

/// <summary>The partner's pixels replace the image's own inside one box.</summary>
public sealed record BoxRegion(Box Box) : Region
{
    /// <summary>The region that changes nothing.</summary>
    public static BoxRegion Empty { get; } = new(Box.Empty);

    /// <inheritdoc/>
    public override bool IsEmpty => Box.IsEmpty;

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => Box;

    /// <inheritdoc/>
    public override double KeptShare(int height, int width) => 1 - (double)Box.Area / ((long)height * width);

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width)
    {
        mask.Fill(1);
        for (var y = Box.Top; y < Box.Bottom; y++)
            mask.Slice(y * width + Box.Left, Box.Width).Clear();
    }

    internal override string? Misfit(int height, int width) =>
        Box.FitsIn(height, width) ? null : $"A box must lie inside the image of {height}×{width} pixels. Received: {Box}";
}

/// <summary>
/// A resized part of the partner replaces the image's own pixels inside one box: the whole partner with ResizeMix, a box of the partner
/// with SnapMix.
/// </summary>
/// <param name="Box">The box into which it is pasted.</param>
/// <param name="Source">The box of the partner that is pasted.</param>
/// <param name="Interpolation">How it is resized.</param>
public sealed record ResizedRegion(Box Box, Box Source, Interpolation Interpolation) : Region
{
    /// <inheritdoc/>
    public override bool IsEmpty => Box.IsEmpty;

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => Box;

    /// <inheritdoc/>
    public override double KeptShare(int height, int width) => new BoxRegion(Box).KeptShare(height, width);

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width) => new BoxRegion(Box).WriteMask(mask, height, width);

    internal override string? Misfit(int height, int width) =>
        new BoxRegion(Box).Misfit(height, width) ?? new BoxRegion(Source).Misfit(height, width)
        ?? (Source.IsEmpty && !Box.IsEmpty ? $"An empty part of a partner cannot fill a box. Received: {Source} for {Box}" : null);
}

/// <summary>How a part of an image is resized.</summary>
public enum Interpolation
{
    /// <summary>The nearest pixel, with truncated coordinates: floor(i·source/target), like PyTorch's <c>nearest</c>.</summary>
    Nearest,

    /// <summary>Linear interpolation between four pixels, with corners aligned.</summary>
    Bilinear,
}

/// <summary>The whole image is blended with its partner: M is <paramref name="Weight"/> everywhere (Mixup).</summary>
/// <param name="Weight">Weight of the image itself, 0 to 1.</param>
public sealed record BlendRegion(double Weight) : Region
{
    /// <inheritdoc/>
    public override bool IsEmpty => Weight == 1;

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => IsEmpty ? Box.Empty : Box.Whole(height, width);

    /// <inheritdoc/>
    public override double KeptShare(int height, int width) => Weight;

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width) => mask.Fill((float)Weight);

    internal override string? Misfit(int height, int width) =>
        Weight is >= 0 and <= 1 ? null : $"A blend's weight must lie in [0, 1]. Received: {Weight}";
}

/// <summary>A mask of any shape: M has one weight per pixel (FMix, GridMix).</summary>
/// <param name="Weights">Weights of the image itself, 0 to 1, row by row; images that share a mask share the array.</param>
public sealed record MaskRegion(float[] Weights) : Region
{
    /// <summary>True when every weight is 0 or 1, so that pixels are replaced, not blended.</summary>
    public bool IsHard { get; } = Array.TrueForAll(Weights, weight => weight is 0 or 1);

    /// <inheritdoc/>
    public override bool IsEmpty { get; } = Array.TrueForAll(Weights, weight => weight == 1);

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => IsEmpty ? Box.Empty : Box.Whole(height, width);

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width) => Weights.CopyTo(mask);

    internal override string? Misfit(int height, int width) => Weights.Length != height * width
        ? $"A mask must have {height}×{width} weights. Received: {Weights.Length}"
        : Array.Find(Weights, weight => weight is not (>= 0 and <= 1)) is var odd && odd is not (>= 0 and <= 1)
            ? $"A mask's weights must lie in [0, 1]. Received: {odd}" : null;
}

/// <summary>Boxes of the image are filled; nothing comes from a partner (Cutout, random erasing).</summary>
/// <param name="Holes">The boxes; they may overlap.</param>
/// <param name="Fill">The content that they are filled with.</param>
/// <param name="NoiseKey">The seed of the noise; the same key gives the same noise.</param>
public sealed record FillRegion(IReadOnlyList<Box> Holes, Fill Fill, ulong NoiseKey = 0) : Region
{
    /// <inheritdoc/>
    public override bool IsEmpty => Holes.All(hole => hole.IsEmpty);

    /// <inheritdoc/>
    public override Box Reach(int height, int width) => IsEmpty ? Box.Empty
        : new(Holes.Min(hole => hole.Top), Holes.Min(hole => hole.Left), Holes.Max(hole => hole.Bottom), Holes.Max(hole => hole.Right));

    /// <inheritdoc/>
    public override void WriteMask(Span<float> mask, int height, int width)
    {
        mask.Fill(1);
        foreach (var hole in Holes)
        {
            for (var y = hole.Top; y < hole.Bottom; y++)
                mask.Slice(y * width + hole.Left, hole.Width).Clear();
        }
    }

    /// <summary>
    /// Fills the holes in the planes of one image (C·H·W), either only inside a box or only outside of it.
    /// </summary>
    internal void Write(Span<float> planes, int height, int width, Box box, bool inside)
    {
        var channels = planes.Length / (height * width);
        for (var k = 0; k < Holes.Count; k++)
        {
            var hole = Holes[k];
            var noise = Fill == Fill.Noise ? new SeedStream(NoiseKey).Open("erase-noise", 0, k) : null;
            for (var channel = 0; channel < channels; channel++)
            {
                for (var y = hole.Top; y < hole.Bottom; y++)
                {
                    var row = planes.Slice((channel * height + y) * width, width);
                    for (var x = hole.Left; x < hole.Right; x++)
                    {
                        // Drawn for every pixel, so that the noise does not depend on the box.
                        var value = noise is null ? 0 : (float)noise.Normal();
                        if (box.Contains(y, x) == inside)
                            row[x] = value;
                    }
                }
            }
        }
    }

    internal override string? Misfit(int height, int width) =>
        Holes.Select(hole => new BoxRegion(hole).Misfit(height, width)).FirstOrDefault(misfit => misfit is not null);
}

/// <summary>The content of a hole in a normalized image.</summary>
public enum Fill
{
    /// <summary>0, which is the mean colour of the data set.</summary>
    Mean,

    /// <summary>Independent standard normal noise for every pixel and channel.</summary>
    Noise,
}
