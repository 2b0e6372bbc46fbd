using System.Runtime.InteropServices;

namespace Patchwork.Imaging;

/// <summary>
/// Decodes JPEG with an installed libturbojpeg (Debian's <c>libturbojpeg0</c>); if it is not installed, SkiaSharp decodes every image.
/// Each thread has its own decoder.
/// </summary>
internal static unsafe class TurboJpeg
{
    private const int PixelFormatRgba = 7;           // TJPF_RGBA: the fourth byte is 255
    private const int AccurateTransform = 4096;      // TJFLAG_ACCURATEDCT, as in SkiaSharp
    private const int StopOnWarning = 8192;          // TJFLAG_STOPONWARNING: damaged files go to the decoder that reports what is wrong
    private const int Cmyk = 3;                      // TJCS_CMYK and TJCS_YCCK, which it does not convert to RGB

    private static readonly delegate* unmanaged<nint> create;
    private static readonly delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int> header;
    private static readonly delegate* unmanaged<nint, byte*, nuint, byte*, int, int, int, int, int, int> decompress;
    private static readonly delegate* unmanaged<nint, int> destroy;

    [ThreadStatic]
    private static Decoder? decoder;

#pragma warning disable CA1810 // One search finds the library and all its functions.
    static TurboJpeg()
    {
        if (Library() is not { } library)
            return;
        create = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "tjInitDecompress");
        header = (delegate* unmanaged<nint, byte*, nuint, int*, int*, int*, int*, int>)
            NativeLibrary.GetExport(library, "tjDecompressHeader3");
        decompress = (delegate* unmanaged<nint, byte*, nuint, byte*, int, int, int, int, int, int>)
            NativeLibrary.GetExport(library, "tjDecompress2");
        destroy = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(library, "tjDestroy");
        IsInstalled = true;
    }
#pragma warning restore CA1810

    /// <summary>True if libturbojpeg was found.</summary>
    public static bool IsInstalled { get; }

    /// <summary>
    /// Decodes a JPEG file to four bytes per pixel. Returns false, with <paramref name="rgba"/> undefined, if the library is not installed,
    /// does not support the file, or finds it damaged.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="height">Rows of the whole image, as its header says.</param>
    /// <param name="width">Columns of the whole image, as its header says.</param>
    /// <param name="reduction">Divisor of both sides: 1, 2, 4 or 8. The result is rounded up.</param>
    /// <param name="rgba">Receives the reduced image.</param>
    public static bool TryDecode(ReadOnlySpan<byte> file, int height, int width, int reduction, Span<byte> rgba)
    {
        if (!IsInstalled || (decoder ??= new Decoder()).Handle is not (not 0 and var handle))
            return false;
        // The library derives the reduction from the requested size.
        var (rows, columns) = (ImageDecoder.Reduced(height, reduction), ImageDecoder.Reduced(width, reduction));
        fixed (byte* bytes = file, pixels = rgba)
        {
            int w, h, subsampling, colors;
            return header(handle, bytes, (nuint)file.Length, &w, &h, &subsampling, &colors) == 0
                && colors < Cmyk && (h, w) == (height, width)
                && rgba.Length == 4L * rows * columns
                && decompress(handle, bytes, (nuint)file.Length, pixels, columns, columns * 4, rows, PixelFormatRgba,
                    AccurateTransform | StopOnWarning) == 0;
        }
    }

    private static nint? Library()
    {
        string[] names = OperatingSystem.IsWindows() ? ["turbojpeg.dll"]
            : OperatingSystem.IsMacOS() ? ["libturbojpeg.dylib"]
            : ["libturbojpeg.so.0", "libturbojpeg.so"];
        foreach (var name in names)
        {
            if (NativeLibrary.TryLoad(name, out var library))
            {
                string[] functions = ["tjInitDecompress", "tjDecompressHeader3", "tjDecompress2", "tjDestroy"];
                if (functions.All(function => NativeLibrary.TryGetExport(library, function, out _)))
                    return library;
                NativeLibrary.Free(library);
            }
        }
        return null;
    }

    // Freed by the garbage collector after its thread has ended.
    private sealed class Decoder
    {
        public nint Handle { get; } = create();

        ~Decoder()
        {
            if (Handle != 0)
                _ = destroy(Handle);
        }
    }
}
