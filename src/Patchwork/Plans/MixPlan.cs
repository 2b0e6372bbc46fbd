using System.Text.Json;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Plans;

/// <summary>The part of a plan for one image of a batch.</summary>
/// <param name="Partner">Row of the partner, whose content is pasted; the image's own row when it has no partner.</param>
/// <param name="Region">The region that is replaced.</param>
/// <param name="DrawnLambda">λ as drawn, before rounding to pixels and clipping; the weight of the image itself.</param>
/// <param name="Lambda">λ of the label: the weight of the image itself in the target.</param>
public sealed record ImagePlan(int Partner, Region Region, double DrawnLambda, double Lambda)
{
    /// <summary>Weight of the partner's label: 1-λ, unless the method weighs the two labels separately (SnapMix).</summary>
    public double PartnerWeight { get => partnerWeight ?? 1 - Lambda; init => partnerWeight = value; }

    /// <summary>
    /// The maximum weight of a label: 1, or 2 when the two labels are weighed separately (a method may count one class twice).
    /// </summary>
    internal double MostWeight => partnerWeight is null ? 1 : 2;

    private readonly double? partnerWeight;
}

/// <summary>
/// Describes how a batch is mixed, before any pixel changes: the partner, region and label weight of every image. Drawing a plan and
/// executing it are separate steps, so a plan can be logged, replayed, visualized, and applied to images, labels and masks alike.
/// </summary>
public sealed record MixPlan
{
    /// <summary>Creates a plan for a batch of images of one size.</summary>
    /// <exception cref="ArgumentException">
    /// A partner is not a row of the batch, a region does not fit the image, or a λ or label weight is out of range.
    /// </exception>
    /// <param name="method">Catalogue id of the method.</param>
    /// <param name="height">Height of the images in pixels.</param>
    /// <param name="width">Width of the images in pixels.</param>
    /// <param name="images">One entry for each row of the batch.</param>
    /// <param name="stream">The stream that the plan was drawn from.</param>
    /// <param name="earlier">See <see cref="Earlier"/>.</param>
    public MixPlan(string method, int height, int width, IReadOnlyList<ImagePlan> images, StreamId stream, int earlier = 0)
    {
        for (var i = 0; i < images.Count; i++)
        {
            var image = images[i];
            if (image.Partner < 0 || image.Partner >= images.Count + earlier)
                throw new ArgumentException($"A partner must be a row of the batch (0 to {images.Count + earlier - 1}). "
                    + $"Received: {image.Partner} for row {i}.");
            if (!(image.Lambda >= 0 && image.Lambda <= image.MostWeight))
                throw new ArgumentException($"λ must lie in [0, {image.MostWeight}]. Received: {image.Lambda} for row {i}.");
            if (image.DrawnLambda is not (>= 0 and <= 1))
                throw new ArgumentException($"A drawn λ must lie in [0, 1]. Received: {image.DrawnLambda} for row {i}.");
            if (!(image.PartnerWeight >= 0 && image.PartnerWeight <= image.MostWeight))
                throw new ArgumentException($"A partner's weight must lie in [0, {image.MostWeight}]. Received: {image.PartnerWeight} "
                    + $"for row {i}.");
            if (image.Region.Misfit(height, width) is { } misfit)
                throw new ArgumentException($"{misfit} for row {i}.");
        }
        (Method, Height, Width, Images, Stream, Earlier) = (method, height, width, images, stream, earlier);
    }

    /// <summary>Catalogue id of the method that drew the plan.</summary>
    public string Method { get; }

    /// <summary>
    /// The layer whose output is mixed, <c>input</c> for the images; null for plans that mix pixels. With a layer, height and width are
    /// those of its features.
    /// </summary>
    public string? Layer { get; init; }

    /// <summary>Height of the images that the plan is for, in pixels.</summary>
    public int Height { get; }

    /// <summary>Width of the images that the plan is for, in pixels.</summary>
    public int Width { get; }

    /// <summary>One entry for each row of the batch.</summary>
    public IReadOnlyList<ImagePlan> Images { get; }

    /// <summary>
    /// Number of images of an earlier batch that can be partners: partner N is its first row. 0, the default: partners are rows of the
    /// batch itself.
    /// </summary>
    public int Earlier { get; }

    /// <summary>The stream that the plan was drawn from.</summary>
    public StreamId Stream { get; }

    /// <summary>Creates the plan that changes nothing: every image is its own partner, λ is 1 and the box is empty.</summary>
    public static MixPlan Identity(string method, int count, int height, int width, StreamId stream) =>
        new(method, height, width, [.. Enumerable.Range(0, count).Select(i => new ImagePlan(i, BoxRegion.Empty, 1, 1))], stream);

    /// <summary>True when at least one image receives pixels of another image or loses some of its own.</summary>
    public bool ChangesPixels =>
        Images.Where((image, i) => !image.Region.IsEmpty && (image.Partner != i || image.Region is FillRegion)).Any();

    /// <summary>
    /// True when every image is either unchanged or has one box replaced by its partner's pixels. A loader can execute such a plan while it
    /// assembles the batch.
    /// </summary>
    public bool IsOfBoxes => Images.All(image => image.Region is BoxRegion);

    /// <summary>Mean share of the pixels that come from a partner, 0 to 1, over all images.</summary>
    public double ReplacedArea => Images.Count == 0 ? 0 : Images.Average(image => 1 - image.Region.KeptShare(Height, Width));

    /// <summary>Share of the images whose partner is another image and whose region is not empty, 0 to 1.</summary>
    public double ShareMixed =>
        Images.Count == 0 ? 0 : Images.Where((image, i) => image.Partner != i && !image.Region.IsEmpty).Count() / (double)Images.Count;

    /// <summary>Weights of the images' own labels, one per row.</summary>
    public double[] Lambdas() => [.. Images.Select(image => image.Lambda)];

    /// <summary>Weights of the partners' labels, one per row; null when all are 1-λ.</summary>
    public double[]? PartnerWeights() =>
        Images.Any(image => image.PartnerWeight != 1 - image.Lambda) ? [.. Images.Select(image => image.PartnerWeight)] : null;

    /// <summary>The masks M of all images, (N, 1, H, W) floats: 1 where the image keeps its own pixel.</summary>
    public Tensor Masks()
    {
        var (count, area) = (Images.Count, Height * Width);
        var masks = new float[count * area];
        for (var i = 0; i < count; i++)
            Images[i].Region.WriteMask(masks.AsSpan(i * area, area), Height, Width);
        return tensor(masks, [count, 1, Height, Width]);
    }

    /// <summary>The row of each image's partner, one entry per image of the batch.</summary>
    public int[] Partners() => [.. Images.Select(image => image.Partner)];

    /// <summary>Writes the plan as one JSON object; <see cref="FromJson"/> reads it back without loss.</summary>
    public string ToJson() => MixPlanJson.Write(this);

    /// <summary>Reads a plan that <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is not a plan.</exception>
    public static MixPlan FromJson(string json) => MixPlanJson.Read(json);
}
