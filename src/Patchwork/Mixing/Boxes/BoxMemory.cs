using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// The raw memory of a batch on the CPU as runs of adjacent bytes, for contiguous batches (a run is part of a row of one channel),
/// channels-last batches (a run is part of a row of all channels), and slices of either.
/// </summary>
internal readonly unsafe struct BoxMemory
{
    private readonly byte* start;
    private readonly long imageStride, planeStride, rowStride;      // in bytes

    private BoxMemory(byte* start, long imageStride, long planeStride, long rowStride, int planes, int pixelBytes)
    {
        this.start = start;
        (this.imageStride, this.planeStride, this.rowStride, Planes, PixelBytes) =
            (imageStride, planeStride, rowStride, planes, pixelBytes);
    }

    /// <summary>Number of planes: C for planar images, 1 for channels-last.</summary>
    public int Planes { get; }

    /// <summary>Number of bytes from a pixel to its right neighbour.</summary>
    public int PixelBytes { get; }

    /// <summary>Pointer to the first byte of a row in a plane of an image.</summary>
    public byte* Row(int image, int plane, int row) => start + image * imageStride + plane * planeStride + row * rowStride;

    /// <summary>
    /// The memory of images (N, C, H, W), or null when only torch can handle it: on another device, or when pixels are not adjacent.
    /// </summary>
    public static BoxMemory? TryOpen(Tensor images)
    {
        if (images.device_type != DeviceType.CPU || images.is_sparse)
            return null;
        var size = (int)images.element_size();
        var strides = images.stride();
        var (n, c, h, w) = (strides[0], strides[1], strides[2], strides[3]);
        var channels = images.size(1);
        // Strides must decrease from image to row to pixel: in expanded tensors, one write would change several elements.
        var planar = w == 1 && (c >= h || channels == 1);
        var channelsLast = c == 1 && w == channels;
        if (n < h || h < w || !(planar || channelsLast))
            return null;
        var first = First(images, size);
        if (first is null)
            return null;
        return planar
            ? new BoxMemory(first, n * size, c * size, h * size, (int)channels, size)
            : new BoxMemory(first, n * size, 0, h * size, 1, (int)channels * size);
    }

    private static byte* First(Tensor images, int size)
    {
        nint storage = images.dtype switch
        {
            ScalarType.Float32 => images.storage<float>().data_ptr(),
            ScalarType.Byte => images.storage<byte>().data_ptr(),
            ScalarType.Float64 => images.storage<double>().data_ptr(),
            ScalarType.Int64 => images.storage<long>().data_ptr(),
            _ => 0,
        };
        if (storage != 0)
            return (byte*)storage + images.storage_offset() * size;
        // TorchSharp does not expose the storage of half-precision tensors, only the bytes of contiguous ones.
        return images.dtype is ScalarType.Float16 or ScalarType.BFloat16 && images.is_contiguous()
            ? (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(images.bytes))
            : null;
    }
}
