using System.IO.Compression;

namespace Patchwork.Interop;

/// <summary>A supported format of weights.</summary>
internal enum WeightFormat
{
    /// <summary>Safetensors. Files of unknown content count as this format too, and are rejected as damaged.</summary>
    Safetensors,

    /// <summary>A state dict of PyTorch.</summary>
    PyTorch,

    /// <summary>The initializers of an ONNX graph.</summary>
    Onnx,
}

/// <summary>Recognizes files of weights by their content and not by their extension.</summary>
internal static class WeightFormats
{
    private const int Head = 512;

    /// <summary>The supported formats, for messages.</summary>
    public const string Read = "safetensors, a PyTorch state dict or ONNX";

    /// <summary>Detects the format of a file.</summary>
    /// <exception cref="InputException">The format is not supported; the message says how to convert the file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static WeightFormat Of(string path)
    {
        using var stream = File.OpenRead(path);
        var head = new byte[Head];
        var length = stream.ReadAtLeast(head, Head, throwOnEndOfStream: false);
        if (head is [(byte)'P', (byte)'K', 3, 4, ..] && HoldsPickle(path, head))
            return WeightFormat.PyTorch;
        if (Other(head.AsSpan(0, length)) is { } format)
            throw new InputException($"Weights must be {Read}. Received: {path}, which is {format}. "
                + (format.Contains("pickle", StringComparison.Ordinal)
                    ? "Save the state dict again in Python: torch.save(torch.load(FILE, map_location=\"cpu\"), \"weights.pth\")."
                    : "Save the weights as safetensors in the framework that wrote them."));
        return IsOnnx(head.AsSpan(0, length), stream.Length) ? WeightFormat.Onnx : WeightFormat.Safetensors;
    }

    // A truncated zip archive has no directory, but its beginning shows what it was.
    private static bool HoldsPickle(string path, ReadOnlySpan<byte> head)
    {
        try
        {
            using var archive = ZipFile.OpenRead(path);
            return archive.Entries.Any(entry => entry.FullName.EndsWith("/data.pkl", StringComparison.Ordinal));
        }
        catch (InvalidDataException)
        {
            return head.IndexOf("data.pkl"u8) >= 0;
        }
    }

    // A ModelProto begins with the version of the format (field 1), and the file is longer than a bare header. In a safetensors file, a
    // header length with these first bytes would be followed by zeros and a brace.
    private static bool IsOnnx(ReadOnlySpan<byte> head, long length) =>
        head is [8, >= 1 and <= 32, not 0, ..] && length > 16 && !(head.Length > 8 && head[8] == (byte)'{');

    private static string? Other(ReadOnlySpan<byte> head) => head switch
    {
        [(byte)'P', (byte)'K', 3, 4, ..] => "a zip archive",
        // A pickle of protocol 2 to 5 begins with PROTO; a safetensors header whose length has these first three bytes would be unusually
        // long.
        [0x80, >= 2 and <= 5, (byte)'}' or (byte)'c' or 0x8a or (byte)'(' or (byte)']' or 0x95, ..] =>
            "a pickle, as PyTorch wrote its files before 1.6",
        [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "an HDF5 file, as Keras writes",
        _ when head.StartsWith("GGUF"u8) => "a GGUF file",
        [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] => "a NumPy array",
        [0x1f, 0x8b, ..] => "compressed with gzip",
        _ when head.StartsWith("version https://git-lfs"u8) =>
            "a Git LFS pointer to a file that was not fetched",
        _ => null,
    };
}
