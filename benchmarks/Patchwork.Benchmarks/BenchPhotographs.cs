using Patchwork.Data;
using SkiaSharp;

namespace Patchwork.Benchmarks;

/// <summary>
/// JPEG files like those of a camera (3072×4096, 4:2:0, quality 85, about 1.9 MB), in a temporary folder: images of the embedded set,
/// doubled in size several times, with finer and fainter texture added each time, because the detail of photographs decreases with its
/// frequency. All files have the same content, which gives no decoder an advantage.
/// </summary>
internal sealed class BenchPhotographs : IDisposable
{
    /// <summary>Rows and columns that the pictures are resized to.</summary>
    public const int Side = 224;

    private const int Count = 12, Rows = 96, Columns = 128, Tile = 32;

    // Amplitude of the texture at each doubling, in levels; the last ones are as faint as a lens and noise reduction leave them.
    private static readonly int[] Amplitudes = [24, 20, 16, 8, 3];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("patchwork-bench");

    public BenchPhotographs()
    {
        using var picture = Draw();
        using var pixels = picture.PeekPixels()!;
        var options = new SKJpegEncoderOptions(85, SKJpegEncoderDownsample.Downsample420, SKJpegEncoderAlphaOption.Ignore);
        using var jpeg = pixels.Encode(options)!;
        var bytes = jpeg.ToArray();
        for (var i = 0; i < Count; i++)
            File.WriteAllBytes(Path.Combine(folder.CreateSubdirectory(i % 2 == 0 ? "a" : "b").FullName, $"{i}.jpg"), bytes);
    }

    /// <summary>Opens the pictures as a set that is decoded when read.</summary>
    public ImageFolder Open(bool scaledDecoding) =>
        new(folder.FullName, Side, new DataOptions { ScaledDecoding = scaledDecoding }, memoryLimit: 0);

    public void Dispose() => folder.Delete(recursive: true);

    private static SKBitmap Draw()
    {
        var tiles = Shapes.Open().Train;
        var picture = new SKBitmap(new SKImageInfo(Columns, Rows, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var place = 0; place < Rows * Columns / (Tile * Tile); place++)
            BenchPictures.Draw(tiles.Read(37 * place % tiles.Count, []), picture, place * Tile / Columns * Tile, place * Tile % Columns);
        var state = 1u;
        foreach (var amplitude in Amplitudes)
        {
            var larger = new SKBitmap(picture.Info.WithSize(2 * picture.Width, 2 * picture.Height));
            picture.ScalePixels(larger, new SKSamplingOptions(SKFilterMode.Linear));
            picture.Dispose();
            picture = larger;
            AddTexture(picture.GetPixelSpan(), amplitude, ref state);
        }
        return picture;
    }

    // Mostly in brightness, half as much in each colour.
    private static void AddTexture(Span<byte> rgba, int amplitude, ref uint state)
    {
        for (var i = 0; i < rgba.Length; i += 4)
        {
            state ^= state << 13;      // Marsaglia's xorshift
            state ^= state >> 17;
            state ^= state << 5;
            var brightness = 2 * (sbyte)state;
            for (var channel = 0; channel < 3; channel++)
            {
                var color = (sbyte)(state >> (8 * channel + 8));
                rgba[i + channel] = (byte)Math.Clamp(rgba[i + channel] + (brightness + color) * amplitude / 256, 0, 255);
            }
        }
    }
}
