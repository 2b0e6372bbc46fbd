using System.Text.Json;

namespace Patchwork.Plans;

/// <summary>A rectangle of pixels, half-open and height first: rows [Top, Bottom), columns [Left, Right).</summary>
public readonly record struct Box(int Top, int Left, int Bottom, int Right)
{
    /// <summary>The box without pixels.</summary>
    public static Box Empty => default;

    /// <summary>The box that covers an image of the given size.</summary>
    public static Box Whole(int height, int width) => new(0, 0, height, width);

    /// <summary>Rows covered, 0 when the box is empty.</summary>
    public int Height => Math.Max(0, Bottom - Top);

    /// <summary>Columns covered, 0 when the box is empty.</summary>
    public int Width => Math.Max(0, Right - Left);

    /// <summary>Pixels covered.</summary>
    public long Area => (long)Height * Width;

    /// <summary>True when no pixel is covered.</summary>
    public bool IsEmpty => Height == 0 || Width == 0;

    /// <summary>True when the pixel lies inside.</summary>
    public bool Contains(int row, int column) => row >= Top && row < Bottom && column >= Left && column < Right;

    /// <summary>The common part; <see cref="Empty"/> where there is none.</summary>
    public Box Intersect(Box other)
    {
        var common = new Box(Math.Max(Top, other.Top), Math.Max(Left, other.Left), Math.Min(Bottom, other.Bottom),
            Math.Min(Right, other.Right));
        return common.IsEmpty ? Empty : common;
    }

    /// <summary>True when the box lies inside an image of the given size.</summary>
    public bool FitsIn(int height, int width) =>
        Top >= 0 && Left >= 0 && Bottom <= height && Right <= width && Top <= Bottom && Left <= Right;

    /// <summary>Writes the box as <c>{"top", "left", "bottom", "right"}</c>.</summary>
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
