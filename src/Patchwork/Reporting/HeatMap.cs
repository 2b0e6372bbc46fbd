namespace Patchwork.Reporting;

/// <summary>
/// A map of values, drawn with a perceptually uniform colour scale from dark (0) to pale yellow (1), which is also readable for people with
/// red-green colour blindness.
/// </summary>
/// <remarks>
/// The colours are inferno (van der Walt and Smith, matplotlib 1.5). Differs from metalbubble/CAM, which shows 0.3·JET + 0.5·image: JET is
/// neither perceptually uniform nor readable for colour-blind people, and the picture's own colours cannot be told from those of the map.
/// The picture under the map is therefore grey.
/// </remarks>
/// <param name="Height">Rows, at least 1.</param>
/// <param name="Width">Columns, at least 1.</param>
/// <param name="Values">Height · width values in [0, 1], row by row.</param>
public sealed record HeatMap(int Height, int Width, float[] Values)
{
    // viridisLite's inferno(10): ten of the 256 published colours, interpolated linearly.
    private static readonly (int Red, int Green, int Blue)[] Inferno =
    [
        (0x00, 0x00, 0x04), (0x1b, 0x0c, 0x42), (0x4b, 0x0c, 0x6b), (0x78, 0x1c, 0x6d), (0xa5, 0x2c, 0x60),
        (0xcf, 0x44, 0x46), (0xed, 0x69, 0x25), (0xfb, 0x9a, 0x06), (0xf7, 0xd0, 0x3c), (0xfc, 0xff, 0xa4),
    ];

    /// <summary>The values; the constructor checks their number and range.</summary>
    public float[] Values { get; } = Height < 1 || Width < 1 || Values.LongLength != (long)Height * Width
        ? throw new ArgumentException($"A heat map needs positive sides and one value per pixel. Received: Height = {Height}, Width = "
            + $"{Width}, {Values.Length} values.")
        : Array.FindIndex(Values, value => value is not (>= 0 and <= 1)) is >= 0 and var i
            ? throw new ArgumentException(FormattableString.Invariant($"A heat map needs values from 0 to 1. Received: {Values[i]}."))
            : Values;

    /// <summary>Returns the map alone, in colour.</summary>
    public Picture ToPicture() => new(Height, Width, [.. Values.SelectMany(Color)]);

    /// <summary>
    /// Returns the map over a picture of the same size: <c>share·colours + (1 - share)·grey</c>, where grey is the picture's luma (Rec.
    /// 601).
    /// </summary>
    /// <param name="picture">The picture that the map belongs to.</param>
    /// <param name="share">Weight of the map's colours. Range [0, 1], default 0.5.</param>
    public Picture Over(Picture picture, double share = 0.5)
    {
        if ((Height, Width) != (picture.Height, picture.Width) || share is not (>= 0 and <= 1))
            throw new ArgumentException("A heat map needs a picture of its own size and a share from 0 to 1. "
                + FormattableString.Invariant($"Received: {Height}×{Width} over {picture.Height}×{picture.Width}, share = {share}."));
        var rgb = ToPicture().Rgb;
        for (var i = 0; i < rgb.Length; i++)
        {
            var pixel = picture.Rgb.AsSpan(i - i % 3, 3);
            rgb[i] = (byte)Math.Round(share * rgb[i] + (1 - share) * (0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]));
        }
        return new Picture(Height, Width, rgb);
    }

    private static byte[] Color(float value)
    {
        var place = (double)value * (Inferno.Length - 1);
        var index = Math.Min((int)place, Inferno.Length - 2);
        var (from, to, part) = (Inferno[index], Inferno[index + 1], place - index);
        return [Between(from.Red, to.Red), Between(from.Green, to.Green), Between(from.Blue, to.Blue)];

        byte Between(int low, int high) => (byte)Math.Round(low + part * (high - low));
    }
}
