using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>Which part of an image is covered.</summary>
public enum OcclusionPlace
{
    /// <summary>A centred square of s × s pixels.</summary>
    Centre,

    /// <summary>Everything outside a centred square of s × s pixels.</summary>
    Boundary,
}

/// <summary>What a covered part is filled with.</summary>
public enum OcclusionFill
{
    /// <summary>Black: a pixel value of 0.</summary>
    Black,

    /// <summary>The training set's mean colour: 0 after normalization.</summary>
    Mean,
}

/// <summary>
/// Occluded images of the CutMix paper (section 4.4, figure 5a). The paper says that pixels are zeroed, but not whether before or after
/// normalization, so both are measured.
/// </summary>
/// <param name="Place">What is covered.</param>
/// <param name="Fill">What the covered part is filled with.</param>
public sealed record Occlusion(OcclusionPlace Place, OcclusionFill Fill)
{
    /// <summary>All four kinds.</summary>
    public static IReadOnlyList<Occlusion> All { get; } =
        [.. from place in Enum.GetValues<OcclusionPlace>() from fill in Enum.GetValues<OcclusionFill>() select new Occlusion(place, fill)];

    /// <summary>Name in result files, such as <c>centre_black</c>.</summary>
    public string Id => $"{Place}_{Fill}".ToLowerInvariant();

    /// <summary>
    /// Sizes s from 0 to the shorter side in steps of one sixteenth of it, rounded to distinct whole numbers: 0, 2, …, 32 for CIFAR.
    /// </summary>
    public static IReadOnlyList<int> Sizes(int height, int width) =>
        [.. Enumerable.Range(0, 17).Select(i => (int)Math.Round(i * Math.Min(height, width) / 16.0)).Distinct()];

    /// <summary>Whether a square is the whole image.</summary>
    internal static bool IsWhole(int size, int height, int width) => size == height && size == width;

    /// <summary>Whether the image is left unchanged.</summary>
    internal bool CoversNothing(int size, int height, int width) =>
        Place == OcclusionPlace.Centre ? size == 0 : IsWhole(size, height, width);

    /// <summary>Returns the occluded pixels (N, C, H, W); the caller owns the result.</summary>
    /// <param name="pixels">Pixels (N, C, H, W) in [0, 1].</param>
    /// <param name="size">s, the side of the square in pixels. Range: 0 to the shorter side.</param>
    /// <param name="normalization">The normalization whose mean <see cref="OcclusionFill.Mean"/> uses.</param>
    public Tensor Of(Tensor pixels, int size, Normalization normalization)
    {
        var (height, width) = (pixels.size(2), pixels.size(3));
        if (size < 0 || size > Math.Min(height, width))
            throw new ArgumentOutOfRangeException(nameof(size),
                $"The square must fit into the image of {height}×{width}. Received: size = {size}.");
        using var scope = NewDisposeScope();
        var colour = (Fill == OcclusionFill.Black ? zeros(1, pixels.size(1), 1, 1)
            : tensor(normalization.Mean.ToArray()).reshape(1, -1, 1, 1)).to(pixels.dtype).to(pixels.device).expand_as(pixels);
        var (top, left) = ((height - size) / 2, (width - size) / 2);
        var cover = Place == OcclusionPlace.Centre ? pixels.clone() : colour.clone();
        if (size > 0)
        {
            var square = cover.narrow(2, top, size).narrow(3, left, size);
            square.copy_((Place == OcclusionPlace.Centre ? colour : pixels).narrow(2, top, size).narrow(3, left, size));
        }
        return cover.MoveToOuterDisposeScope();
    }
}
