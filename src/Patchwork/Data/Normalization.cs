using System.Globalization;

namespace Patchwork.Data;

/// <summary>The normalization of images, per channel, for pixel values scaled to [0, 1].</summary>
/// <param name="Mean">The mean, which is subtracted.</param>
/// <param name="StandardDeviation">The standard deviation, which is divided by. Range: positive.</param>
public sealed record Normalization(IReadOnlyList<float> Mean, IReadOnlyList<float> StandardDeviation)
{
    private const string ImageNetName = "imagenet";

    /// <summary>The normalization of networks trained on ImageNet.</summary>
    public static Normalization ImageNet { get; } = new([0.485f, 0.456f, 0.406f], [0.229f, 0.224f, 0.225f]);

    /// <summary>The same normalization for three channels; that of grey images is used for each of them.</summary>
    public Normalization InColor => Mean.Count > 1 ? this
        : new([.. Enumerable.Repeat(Mean[0], 3)], [.. Enumerable.Repeat(StandardDeviation[0], 3)]);

    /// <summary>The form that <see cref="Parse"/> reads: <c>0.485,0.456,0.406/0.229,0.224,0.225</c>.</summary>
    public override string ToString() => $"{Text(Mean)}/{Text(StandardDeviation)}";

    /// <summary>
    /// Reads <c>imagenet</c>, or means and standard deviations: two lists with a slash in between, their values separated by commas.
    /// </summary>
    /// <exception cref="InputException">The text is neither.</exception>
    public static Normalization Parse(string text) => TryParse(text, out var normalization) ? normalization
        : throw new InputException($"A normalization must be {ImageNetName}, or means and standard deviations such as "
            + $"0.5,0.5,0.5/0.25,0.25,0.25. Received: {text}.");

    internal static bool TryParse(string text, out Normalization normalization)
    {
        normalization = ImageNet;
        if (text.Trim().Equals(ImageNetName, StringComparison.OrdinalIgnoreCase))
            return true;
        if (text.Split('/') is not [var means, var deviations] || Numbers(means) is not { } mean || Numbers(deviations) is not { } deviation
            || mean.Length != deviation.Length || mean.Length is not (1 or 3) || !deviation.All(value => value > 0))
            return false;
        normalization = new(mean, deviation);
        return true;
    }

    private static string Text(IReadOnlyList<float> values) =>
        string.Join(',', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));

    private static float[]? Numbers(string text)
    {
        var parts = text.Split(',');
        var values = new float[parts.Length];
        return parts.Index().All(part => float.TryParse(part.Item, NumberStyles.Float, CultureInfo.InvariantCulture, out values[part.Index])
            && float.IsFinite(values[part.Index])) ? values : null;
    }
}
