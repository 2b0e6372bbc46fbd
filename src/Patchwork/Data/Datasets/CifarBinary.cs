namespace Patchwork.Data;

/// <summary>
/// CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in their published binary layout: records of one label byte (CIFAR-100: coarse, then fine) and
/// 3,072 pixels, planes R, G, B. The files are kept in memory as they are; an example is a view of them. A folder of the same images as PNG
/// files, <c>train/CLASS/*</c> and <c>test/CLASS/*</c>, opens as the same set, because the published order of the classes is the order of
/// their names.
/// </summary>
internal sealed class CifarBinary : Dataset
{
    private const int Pixels = 3 * 32 * 32;

    // The CutMix authors normalize CIFAR-100 with CIFAR-10's constants too; this is kept so that results are comparable.
    private static readonly Normalization AuthorsNormalization =
        new([125.3f / 255, 123.0f / 255, 113.9f / 255], [63.0f / 255, 62.1f / 255, 66.7f / 255]);

    private readonly byte[] records;
    private readonly int labelBytes;

    private CifarBinary(byte[] records, int labelBytes, IReadOnlyList<string> classNames) =>
        (this.records, this.labelBytes, ClassNames) = (records, labelBytes, classNames);

    public override int Count => records.Length / RecordBytes;

    public override int Channels => 3;

    public override int Height => 32;

    public override int Width => 32;

    public override IReadOnlyList<string> ClassNames { get; }

    public override Normalization Normalization => AuthorsNormalization;

    private int RecordBytes => labelBytes + Pixels;

    public override int Label(int index) => records[index * RecordBytes + labelBytes - 1];

    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => records.AsSpan(index * RecordBytes + labelBytes, Pixels);

    public static DatasetPair OpenCifar10(string folder, DataOptions options)
    {
        if (ImageFolder.OpenParts("cifar10", folder, 32, 10, AuthorsNormalization, options) is { } pictures)
            return pictures;
        var names = Names(folder, "batches.meta.txt", 10);
        return new("cifar10",
            Open(folder, [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")], 10_000, 1, names),
            Open(folder, ["test_batch.bin"], 10_000, 1, names));
    }

    public static DatasetPair OpenCifar100(string folder, DataOptions options)
    {
        if (ImageFolder.OpenParts("cifar100", folder, 32, 100, AuthorsNormalization, options) is { } pictures)
            return pictures;
        var names = Names(folder, "fine_label_names.txt", 100);
        return new("cifar100", Open(folder, ["train.bin"], 50_000, 2, names), Open(folder, ["test.bin"], 10_000, 2, names));
    }

    // Tests open smaller files than the published ones.
    internal static CifarBinary Open(string folder, string[] files, int recordsPerFile, int labelBytes, string[] names)
    {
        var fileBytes = recordsPerFile * (labelBytes + Pixels);
        var all = new byte[files.Length * fileBytes];
        for (var i = 0; i < files.Length; i++)
        {
            var path = Path.Combine(folder, files[i]);
            if (!File.Exists(path))
                throw Missing(path, $"{fileBytes} bytes", labelBytes);
            using var stream = File.OpenRead(path);
            Fill(all.AsSpan(i * fileBytes, fileBytes), stream, path, labelBytes, names.Length);
        }
        return new CifarBinary(all, labelBytes, names);
    }

    /// <summary>Reads one file, which must fill <paramref name="records"/> exactly.</summary>
    /// <exception cref="InputException">The file has another length, or a label that is not a class.</exception>
    internal static void Fill(Span<byte> records, Stream stream, string path, int labelBytes, int classes)
    {
        var recordBytes = labelBytes + Pixels;
        if (stream.Length != records.Length)
            throw new InputException($"{path} must hold {records.Length} bytes ({records.Length / recordBytes} records). "
                + $"Received: {stream.Length} bytes. Unpack it again.");
        stream.ReadExactly(records);
        for (var i = 0; i < records.Length / recordBytes; i++)
        {
            if (records[i * recordBytes + labelBytes - 1] is var label && label >= classes)
                throw new InputException($"A label must be from 0 to {classes - 1}. Received: {label} in record {i} of {path}. "
                    + "Unpack it again.");
        }
    }

    private static string[] Names(string folder, string file, int count)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
            throw Missing(path, $"{count} class names", count == 10 ? 1 : 2);
        string[] names = [.. File.ReadAllLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)];
        return names.Length == count ? names : throw new InputException($"{path} must name {count} classes. Received: {names.Length}.");
    }

    private static InputException Missing(string path, string content, int labelBytes) => new(
        $"CIFAR needs the file {path} ({content}), which does not exist. Get the data set with "
            + $"patchwork data get {(labelBytes == 1 ? "cifar10" : "cifar100")}, unpack the published binary version there, "
            + "or set `Data` to its folder.");
}
