namespace Patchwork.Interop;

/// <summary>Files of weights in other formats, recognised by what is in them and not by what their names end in.</summary>
internal static class OtherWeights
{
    private const int Head = 512;

    /// <summary>
    /// The refusal of a file that is of another format, with the way to convert it; null where it may be a safetensors file.
    /// </summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static InputException? Of(string path)
    {
        using var stream = File.OpenRead(path);
        var head = new byte[Head];
        var length = stream.ReadAtLeast(head, Head, throwOnEndOfStream: false);
        return Format(head.AsSpan(0, length)) is not { } format ? null
            : new InputException($"Weights must be a safetensors file. Received: {path}, which is {format}. " + (format.Contains("PyTorch",
                StringComparison.Ordinal) ? "Convert it in Python: safetensors.torch.save_file(torch.load(FILE, map_location=\"cpu\", "
                    + "weights_only=True), \"weights.safetensors\")." : "Save the weights as safetensors in the system that wrote it."));
    }

    private static string? Format(ReadOnlySpan<byte> head) => head switch
    {
        [(byte)'P', (byte)'K', 3, 4, ..] => head.IndexOf("data.pkl"u8) >= 0 || head.IndexOf("/byteorder"u8) >= 0
            ? "a PyTorch file (a zip archive with a pickle)" : "a zip archive",
        // A pickle of protocol 2 to 5 begins with PROTO; the length of a safetensors header that begins so would be odd in its third byte.
        [0x80, >= 2 and <= 5, (byte)'}' or (byte)'c' or 0x8a or (byte)'(' or (byte)']' or 0x95, ..] =>
            "a pickle, as PyTorch wrote its files before 1.6",
        [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "an HDF5 file, as Keras writes",
        _ when head.StartsWith("GGUF"u8) => "a GGUF file",
        [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] => "a NumPy array",
        [0x1f, 0x8b, ..] => "compressed by gzip",
        _ when head.StartsWith("version https://git-lfs"u8) =>
            "the pointer of Git LFS to a file that was not fetched",
        _ => null,
    };
}
