namespace Patchwork.Evaluation;

/// <summary>An RGB image in double precision, planar (channel, row, column), on the scale [0, 1].</summary>
internal sealed class Planes
{
    private Planes(int height, int width, double[] values) => (Height, Width, Values) = (height, width, values);

    public int Height { get; }

    public int Width { get; }

    /// <summary>Number of values of one channel.</summary>
    public int Area => Height * Width;

    /// <summary>All values, 3 · <see cref="Area"/>.</summary>
    public double[] Values { get; }

    public Span<double> Channel(int channel) => Values.AsSpan(channel * Area, Area);

    public static Planes Of(ReadOnlySpan<byte> planar, int height, int width)
    {
        var values = new double[planar.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = planar[i] / 255.0;      // times 255 restores the byte exactly, for all 256 values
        return new Planes(height, width, values);
    }

    /// <summary>A value on the scale from 0 to 255, clipped but not truncated.</summary>
    public double Level(int i) => Math.Clamp(Values[i], 0, 1) * 255;

    public void Truncate(Span<byte> output)
    {
        for (var i = 0; i < output.Length; i++)
            output[i] = (byte)Level(i);
    }
}
