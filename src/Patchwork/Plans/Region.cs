using Patchwork.Imaging;
using Patchwork.Randomness;

namespace Patchwork.Plans;

/// <summary>
/// What a plan changes in one image. A closed set: a plan is data, and every reader knows all of them. M is the image's own weight at a
/// pixel:
/// <c>x = M⊙x_a + (1-M)⊙x_b</c>.
/// </summary>
public abstract record Region
{
    private protected Region() { }

    /// <summary>True when no pixel changes.</summary>
    public abstract bool IsEmpty { get; }

    /// <summary>The box outside which nothing changes.</summary>
    public abstract Box Reach(int height, int width);

    /// <summary>Writes M, one number from 0 to 1 a pixel, row by row.</summary>
    public abstract void WriteMask(Span<float> mask, int height, int width);

    /// <summary>The share of the image that stays its own, 0 to 1, the mean of M: the measured λ.</summary>
    public virtual double KeptShare(int height, int width)
    {
        var mask = new float[height * width];
        WriteMask(mask, height, width);
        var sum = 0.0;
        foreach (var weight in mask)
            sum += weight;
        return Math.Clamp(sum / mask.Length, 0, 1);
    }

    /// <summary>Why the region is none of an image of this size; null when it is.</summary>
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
/// A part of the partner, resized, replaces the image's own pixels inside one box: the whole partner with ResizeMix, its own box with
/// SnapMix.
/// </summary>
/// <param name="Box">Where it is pasted.</param>
/// <param name="Source">What of the partner is pasted.</param>
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

/// <summary>How a part of an image is brought to another size.</summary>
public enum Interpolation
{
    /// <summary>The nearest pixel, rows and columns cut off: floor(i·source/target), as PyTorch's <c>nearest</c>.</summary>
    Nearest,

    /// <summary>Linear between four pixels, corners on corners.</summary>
    Bilinear,
}

/// <summary>The whole image blended with its partner: M is <paramref name="Weight"/> everywhere (Mixup).</summary>
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

/// <summary>M of any form, one weight a pixel (FMix, GridMix).</summary>
/// <param name="Weights">Weights of the image itself, 0 to 1, row by row; images that share a mask share the array.</param>
public sealed record MaskRegion(float[] Weights) : Region
{
    /// <summary>True when every weight is 0 or 1, so that pixels are taken, not blended.</summary>
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

/// <summary>Boxes of the image that lose their content; nothing comes from a partner (Cutout, random erasing).</summary>
/// <param name="Holes">The boxes; they may overlap.</param>
/// <param name="Fill">What they are filled with.</param>
/// <param name="NoiseKey">What noise is made from; the same key makes the same noise.</param>
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
    /// Fills the holes in one image's planes (C·H·W), where they lie inside a box, or outside of it.
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
                        var value = noise is null ? 0 : (float)noise.Normal();      // drawn for every pixel, wherever it is written
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

/// <summary>What a hole in a normalized image is filled with.</summary>
public enum Fill
{
    /// <summary>0, the mean colour of the data set.</summary>
    Mean,

    /// <summary>Standard normal noise, a number for every pixel and channel.</summary>
    Noise,
}
