using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary><c>brightness</c>: V + c in HSV (hue, saturation and value).</summary>
public sealed record Brightness : Corruption
{
    private static readonly double[] More = [0.05, 0.1, 0.15, 0.2, 0.3];

    /// <inheritdoc/>
    public override string Id => "brightness";

    internal override void Corrupt(Planes x, int severity, Draws draws) =>
        Hsv.Change(x, (saturation, value) => (saturation, Math.Clamp(value + More[severity - 1], 0, 1)));
}

/// <summary>
/// <c>saturate</c> (extra): S · a + b in HSV (hue, saturation and value); severities 1 and 2 fade the colours, the others strengthen them.
/// </summary>
public sealed record Saturate : Corruption
{
    private static readonly (double Times, double Plus)[] Constants = [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)];

    /// <inheritdoc/>
    public override string Id => "saturate";

    /// <inheritdoc/>
    public override bool Main => false;

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var (times, plus) = Constants[severity - 1];
        Hsv.Change(x, (saturation, value) => (Math.Clamp(saturation * times + plus, 0, 1), value));
    }
}

/// <summary><c>contrast</c>: (x - mean) · c + mean, with the mean of each channel of the image.</summary>
public sealed record Contrast : Corruption
{
    private static readonly double[] Left = [0.75, 0.5, 0.4, 0.3, 0.15];

    /// <inheritdoc/>
    public override string Id => "contrast";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            var mean = 0.0;
            foreach (var value in x.Channel(channel))
                mean += value;
            mean /= x.Area;
            foreach (ref var value in x.Channel(channel))
                value = (value - mean) * Left[severity - 1] + mean;
        }
    }
}

/// <summary>Hue, saturation and value as scikit-image computes them.</summary>
internal static class Hsv
{
    /// <summary>Replaces saturation and value of every pixel and keeps the hue.</summary>
    public static void Change(Planes x, Func<double, double, (double Saturation, double Value)> change)
    {
        var red = x.Channel(0);
        var green = x.Channel(1);
        var blue = x.Channel(2);
        for (var i = 0; i < red.Length; i++)
        {
            var (hue, saturation, value) = Of(red[i], green[i], blue[i]);
            (saturation, value) = change(saturation, value);
            (red[i], green[i], blue[i]) = Rgb(hue, saturation, value);
        }
    }

    private static (double Hue, double Saturation, double Value) Of(double red, double green, double blue)
    {
        var value = Math.Max(red, Math.Max(green, blue));
        var range = value - Math.Min(red, Math.Min(green, blue));
        if (range == 0)
            return (0, 0, value);
        // If two channels are equally large, the later one counts, as in the reference.
        var sixths = blue == value ? 4 + (red - green) / range : green == value ? 2 + (blue - red) / range : (green - blue) / range;
        var hue = sixths / 6;
        return (hue - Math.Floor(hue), range / value, value);
    }

    private static (double Red, double Green, double Blue) Rgb(double hue, double saturation, double value)
    {
        var sector = (int)Math.Floor(hue * 6);
        var within = hue * 6 - sector;
        var low = value * (1 - saturation);
        var falling = value * (1 - within * saturation);
        var rising = value * (1 - (1 - within) * saturation);
        return (sector % 6) switch
        {
            0 => (value, rising, low),
            1 => (falling, value, low),
            2 => (low, value, rising),
            3 => (low, falling, value),
            4 => (rising, low, value),
            _ => (value, low, falling),
        };
    }
}
