using System.Text.Json;

namespace Patchwork.Plans;

/// <summary>A rectangle of pixels: rows [Top, Bottom) and columns [Left, Right).</summary>
public readonly record struct Box(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The empty box.</summary>
    public static Box Empty => default;

    /// <summary>Returns the box that covers an image of the given size.</summary>
    public static Box Whole(int height, int width) => new(0, 0, height, width);

    /// <summary>Number of rows; never negative.</summary>
    public int Height => Math.Max(0, Bottom - Top);

    /// <summary>Number of columns; never negative.</summary>
    public int Width => Math.Max(0, Right - Left);

    /// <summary>Number of pixels.</summary>
    public long Area => (long)Height * Width;

    /// <summary>True when the box contains no pixel.</summary>
    public bool IsEmpty => Height == 0 || Width == 0;

    /// <summary>True when the pixel is inside the box.</summary>
    public bool Contains(int row, int column) => row >= Top && row < Bottom && column >= Left && column < Right;

    /// <summary>Returns the intersection with another box; <see cref="Empty"/> when they do not overlap.</summary>
    public Box Intersect(Box other)
    {
        var common = new Box(Math.Max(Top, other.Top), Math.Max(Left, other.Left), Math.Min(Bottom, other.Bottom),
            Math.Min(Right, other.Right));
        return common.IsEmpty ? Empty : common;
    }

    /// <summary>True when the box is inside an image of the given size.</summary>
    public bool FitsIn(int height, int width) =>
        Top >= 0 && Left >= 0 && Bottom <= height && Right <= width && Top <= Bottom && Left <= Right;

    /// <summary>Writes the box as a JSON object with the keys <c>top</c>, <c>left</c>, <c>bottom</c> and <c>right</c>.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("top", Top);
        json.WriteNumber("left", Left);
        json.WriteNumber("bottom", Bottom);
        json.WriteNumber("right", Right);
        json.WriteEndObject();
    }
}
