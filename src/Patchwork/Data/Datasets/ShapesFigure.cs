using Patchwork.Randomness;

namespace Patchwork.Data;

/// <summary>
/// One figure of the <c>shapes</c> set: a class, a position, a size and a rotation. It is computed only with +, -, ·, / and square roots,
/// which every machine rounds in the same way.
/// </summary>
internal readonly struct ShapesFigure
{
    public static readonly string[] Names = ["disc", "ring", "square", "frame", "triangle", "cross", "star", "crescent", "bars", "ell"];

    private readonly int kind;
    private readonly double row, column, radius, cosine, sine;

    /// <summary>Draws the position, size and rotation of a figure whose enclosing circle stays inside the picture.</summary>
    public ShapesFigure(int kind, double smallest, double largest, int side, Draws draws)
    {
        this.kind = kind;
        radius = draws.Uniform(smallest, largest);
        row = draws.Uniform(radius, side - radius);
        column = draws.Uniform(radius, side - radius);
        // Points of the unit circle without sine and cosine: ((1-t²)/(1+t²), 2t/(1+t²)); |t| ≤ 0.4 is 44 degrees.
        var t = draws.Uniform(-0.4, 0.4);
        (cosine, sine) = ((1 - t * t) / (1 + t * t), 2 * t / (1 + t * t));
    }

    /// <summary>Rows and columns that the figure can touch, clipped to the picture.</summary>
    public (int Top, int Left, int Bottom, int Right) Reach(int side)
    {
        var reach = radius * 1.05;
        return (Math.Max(0, (int)(row - reach)), Math.Max(0, (int)(column - reach)),
            Math.Min(side, (int)(row + reach) + 1), Math.Min(side, (int)(column + reach) + 1));
    }

    /// <summary>Share of a pixel that the figure covers, in sixteenths.</summary>
    public int Coverage(int y, int x)
    {
        var covered = 0;
        for (var i = 0; i < 16; i++)
        {
            var dy = (y + (i / 4 + 0.5) / 4 - row) / radius;
            var dx = (x + (i % 4 + 0.5) / 4 - column) / radius;
            if (Contains(cosine * dx + sine * dy, cosine * dy - sine * dx))
                covered++;
        }
        return covered;
    }

    // The figure in its own coordinates, inside the unit circle.
    private bool Contains(double u, double v)
    {
        var (squared, across, down) = (u * u + v * v, Math.Abs(u), Math.Abs(v));
        return kind switch
        {
            0 => squared <= 0.81,
            1 => squared is <= 0.95 and >= 0.30,
            2 => across <= 0.70 && down <= 0.70,
            3 => across <= 0.72 && down <= 0.72 && (across >= 0.38 || down >= 0.38),
            4 => v <= 0.62 && 1.732 * across <= v + 1.0,
            5 => across <= 0.98 && down <= 0.98 && (across <= 0.30 || down <= 0.30),
            6 => Math.Sqrt(across) + Math.Sqrt(down) <= 1.0,
            7 => squared <= 0.92 && (u - 0.45) * (u - 0.45) + v * v >= 0.50,
            8 => down <= 0.85 && across is <= 0.75 and >= 0.25,
            _ => across <= 0.75 && down <= 0.75 && (u <= -0.20 || v >= 0.20),
        };
    }
}
