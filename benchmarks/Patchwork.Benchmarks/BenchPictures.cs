using Patchwork.Data;
using SkiaSharp;

namespace Patchwork.Benchmarks;

/// <summary>
/// JPEG files of 384×512 pixels (4:2:0, quality 85), each composed of many images of the embedded set, in a temporary folder.
/// </summary>
internal sealed class BenchPictures : IDisposable
{
    /// <summary>Rows and columns that the pictures are resized to.</summary>
    public const int Side = 224;

    private const int Count = 64, Rows = 384, Columns = 512, Tile = 32;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("patchwork-bench");

    public BenchPictures()
    {
        var tiles = Shapes.Open().Train;
        using var bitmap = new SKBitmap(new SKImageInfo(Columns, Rows, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var i = 0; i < Count; i++)
        {
            for (var place = 0; place < Rows * Columns / (Tile * Tile); place++)
                Draw(tiles.Read((i * 37 + place) % tiles.Count, []), bitmap, place * Tile / Columns * Tile, place * Tile % Columns);
            var classFolder = folder.CreateSubdirectory(i % 2 == 0 ? "a" : "b");
            using var file = File.Create(Path.Combine(classFolder.FullName, $"{i}.jpg"));
            bitmap.Encode(file, SKEncodedImageFormat.Jpeg, quality: 85);
        }
    }

    /// <summary>Opens the pictures as a set that is decoded when read.</summary>
    public ImageFolder Open() => new(folder.FullName, Side, new DataOptions(), memoryLimit: 0);

    public void Dispose() => folder.Delete(recursive: true);

    internal static void Draw(ReadOnlySpan<byte> planar, SKBitmap bitmap, int top, int left)
    {
        var rgba = bitmap.GetPixelSpan();
        for (var i = 0; i < Tile * Tile; i++)
        {
            var at = (top + i / Tile) * bitmap.RowBytes + (left + i % Tile) * 4;
            (rgba[at], rgba[at + 1], rgba[at + 2], rgba[at + 3]) = (planar[i], planar[Tile * Tile + i], planar[2 * Tile * Tile + i], 255);
        }
    }
}
