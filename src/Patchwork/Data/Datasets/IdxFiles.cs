using System.Buffers.Binary;
using System.IO.Compression;

namespace Patchwork.Data;

/// <summary>
/// MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017) in their published IDX files, compressed with gzip or not: four bytes of
/// magic number, each dimension as a big-endian 32-bit number, then unsigned bytes. Grey, 28×28, ten classes. Files with fewer images than
/// published are accepted too.
/// </summary>
internal sealed class IdxFiles : Dataset
{
    private const int Side = 28, TrainCount = 60_000, TestCount = 10_000;

    // Mean and standard deviation over all pixels of the 60,000 published training images, in common use.
    private static readonly Normalization Digits = new([0.1307f], [0.3081f]);
    private static readonly Normalization Fashion = new([0.2860f], [0.3530f]);

    private static readonly string[] DigitNames = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    private static readonly string[] FashionNames =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    private readonly byte[] pixels, labels;

    private IdxFiles(byte[] pixels, byte[] labels, string[] classNames, Normalization normalization) =>
        (this.pixels, this.labels, ClassNames, Normalization) = (pixels, labels, classNames, normalization);

    public override int Count => labels.Length;

    public override int Channels => 1;

    public override int Height => Side;

    public override int Width => Side;

    public override IReadOnlyList<string> ClassNames { get; }

    public override Normalization Normalization { get; }

    public override int Label(int index) => labels[index];

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => pixels.AsSpan(index * Side * Side, Side * Side);

    public static DatasetPair OpenMnist(string folder) =>
        new("mnist", Open(folder, "train", TrainCount, DigitNames, Digits), Open(folder, "t10k", TestCount, DigitNames, Digits));

    public static DatasetPair OpenFashionMnist(string folder) =>
        new("fashionmnist", Open(folder, "train", TrainCount, FashionNames, Fashion), OpenFashionTest(folder));

    /// <summary>Opens only the test set, which serves as out-of-distribution images for networks of other sets.</summary>
    internal static IdxFiles OpenFashionTest(string folder) => Open(folder, "t10k", TestCount, FashionNames, Fashion);

    /// <summary>
    /// Reads the values after the header of one IDX file of unsigned bytes. Reads and unpacks at most one byte more than the header
    /// declares, and allocates no more than <paramref name="most"/> items.
    /// </summary>
    /// <param name="file">The seekable file, which is disposed; gzip is recognized by its first bytes.</param>
    /// <param name="path">Its name in messages.</param>
    /// <param name="most">Maximum number of items that is accepted.</param>
    /// <param name="sides">Sizes of an item: none for labels, height and width for images.</param>
    /// <exception cref="InputException">The file is not IDX, or its contents do not match its header.</exception>
    internal static byte[] Values(Stream file, string path, int most, params ReadOnlySpan<int> sides)
    {
        using var stream = IsGzip(file) ? new GZipStream(file, CompressionMode.Decompress) : file;
        var header = new byte[8 + 4 * sides.Length];
        Fill(stream, header, 0, path);
        var magic = 0x0801u + (uint)sides.Length;      // 08: unsigned bytes; then the number of dimensions
        if (BinaryPrimitives.ReadUInt32BigEndian(header) is var found && found != magic)
            throw new InputException($"{path} must begin with the magic number 0x{magic:x8}. Received: 0x{found:x8}. "
                + "Check that it is the published file of this name.");
        var count = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        if (count < 1 || count > most)
            throw new InputException($"{path} must declare 1 to {most} items. Received: {count}. Unpack or download it again.");
        var size = 1;
        for (var i = 0; i < sides.Length; i++)
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8 + 4 * i)) is var side && side != sides[i])
                throw new InputException($"{path} must hold images of {string.Join("×", sides.ToArray())}. Received: {side} in place of "
                    + $"{sides[i]}. Check that it is the published file of this name.");
            size *= sides[i];
        }
        var values = GC.AllocateUninitializedArray<byte>((int)count * size);
        Fill(stream, values, header.Length, path);
        if (!Ends(stream, path))
            throw new InputException($"{path} must hold the {header.Length + values.Length} bytes that its header declares. "
                + "Received: more. Unpack or download it again.");
        return values;
    }

    private static IdxFiles Open(string folder, string part, int most, string[] names, Normalization normalization)
    {
        var id = names == FashionNames ? "fashionmnist" : "mnist";
        var imageFile = Find(folder, $"{part}-images-idx3-ubyte", 16 + most * Side * Side, id);
        var labelFile = Find(folder, $"{part}-labels-idx1-ubyte", 8 + most, id);
        var pixels = Values(File.OpenRead(imageFile), imageFile, most, Side, Side);
        var labels = Values(File.OpenRead(labelFile), labelFile, most);
        if (pixels.Length != labels.Length * Side * Side)
            throw new InputException($"{labelFile} must hold a label for each of the {pixels.Length / (Side * Side)} images "
                + $"of {imageFile}. Received: {labels.Length} labels. Unpack or download both again.");
        if (labels.AsSpan().IndexOfAnyExceptInRange((byte)0, (byte)(names.Length - 1)) is var wrong and >= 0)
            throw new InputException($"A label must be from 0 to {names.Length - 1}. Received: {labels[wrong]} at index {wrong} "
                + $"of {labelFile}. Unpack or download it again.");
        return new IdxFiles(pixels, labels, names, normalization);
    }

    private static string Find(string folder, string name, int bytes, string id)
    {
        var path = Path.Combine(folder, name);
        return File.Exists(path) ? path : File.Exists(path + ".gz") ? path + ".gz" : throw new InputException(
            $"The data set needs the file {path} ({bytes} bytes as published) or {path}.gz, but neither exists. "
            + $"Get it with patchwork data get {id}, put the published files there, or set `Data` to their folder.");
    }

    // Browsers unpack files and keep the extension .gz, so the name is not reliable.
    private static bool IsGzip(Stream file)
    {
        var packed = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
        file.Position = 0;
        return packed;
    }

    private static void Fill(Stream stream, Span<byte> target, int before, string path)
    {
        var (filled, read) = (0, 0);
        InvalidDataException? damage = null;
        try
        {
            while (filled < target.Length && (read = stream.Read(target[filled..])) > 0)
                filled += read;
        }
        catch (InvalidDataException error)
        {
            damage = error;
        }
        if (filled < target.Length)
            throw new InputException($"{path} must hold {(before == 0 ? "at least " : "")}{before + target.Length} bytes unpacked. "
                + $"Received: {before + filled} bytes{(damage is null ? "" : ", then damage")}. Unpack or download it again.", damage);
    }

    private static bool Ends(Stream stream, string path)
    {
        try
        {
            return stream.ReadByte() < 0;
        }
        catch (InvalidDataException error)
        {
            throw new InputException($"{path} must be intact to its end. Received: damage after the last value. Download it again.", error);
        }
    }
}
