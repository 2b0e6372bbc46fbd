using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// The usual augmentation of small images: pad with zeros, crop back to the original size at a random position, and mirror with probability
/// one half.
/// </summary>
public sealed record CropFlip
{
    /// <summary>
    /// Pixels of padding on every side; 0 switches cropping off. Range 0 to 64. Default 4, as on CIFAR in the CutMix paper.
    /// </summary>
    public int Padding
    {
        get;
        init => field = value is >= 0 and <= 64 ? value
            : throw new ArgumentOutOfRangeException(nameof(value), $"padding must lie in [0, 64]. Received: padding = {value}.");
    } = 4;

    /// <summary>Mirror left to right with probability one half. Default true.</summary>
    public bool Flip { get; init; } = true;

    /// <summary>No augmentation: what evaluation uses.</summary>
    public static CropFlip None { get; } = new() { Padding = 0, Flip = false };

    /// <summary>Draws the geometry of one image.</summary>
    internal Geometry Draw(Draws draws)
    {
        var (row, column) = Padding == 0 ? (0, 0) : (draws.Integer(2 * Padding + 1) - Padding, draws.Integer(2 * Padding + 1) - Padding);
        return new Geometry(row, column, Flip && draws.Bernoulli(0.5));
    }
}

/// <summary>
/// Where an output pixel comes from: row y + <paramref name="Row"/>, column x + <paramref name="Column"/>, both before mirroring; outside
/// the image is padding.
/// </summary>
internal readonly record struct Geometry(int Row, int Column, bool Mirrored);
