using System.Buffers.Binary;
using System.Globalization;
using Patchwork.Internals;

namespace Patchwork.Formats;

/// <summary>
/// Writes TensorBoard event files: TFRecord framing around <c>Event</c> messages (tensorflow/core/util/event.proto and
/// framework/summary.proto). The file stays open and grows; <see cref="Flush"/> (once per epoch) makes what was added visible to a running
/// TensorBoard. Thread-safe.
/// </summary>
public sealed class TensorBoardWriter : IDisposable
{
    private const int HeadLength = 12, TailLength = 4;
    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly FileStream _file;

    /// <summary>
    /// Opens a new file <c>events.out.tfevents.SECONDS.HOST.PROCESS.N</c> in <paramref name="folder"/>, which is created if missing; an
    /// existing file is never touched. <paramref name="time"/> is the clock of the events (default: the system's).
    /// </summary>
    public TensorBoardWriter(string folder, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _file = Create(Directory.CreateDirectory(folder).FullName, _time.GetUtcNow());
        Begin();
    }

    private TensorBoardWriter(FileStream file, TimeProvider time)
    {
        (_file, _time) = (file, time);
        if (file.Length == 0)
            Begin();
    }

    /// <summary>
    /// Opens the file of an earlier writer and appends to it. The file is truncated after the last intact record in its first
    /// <paramref name="length"/> bytes, because TensorBoard stops reading at a damaged record. The records before that stay as they are.
    /// </summary>
    /// <param name="path">The file to append to.</param>
    /// <param name="length">The earlier writer's <see cref="Length"/> after it added the last event to keep. Unit: bytes.</param>
    /// <param name="time">The clock of the events (default: the system's).</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static TensorBoardWriter Append(string path, long length, TimeProvider? time = null)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1 << 16);
        try
        {
            file.SetLength(IntactLength(file, Math.Min(length, file.Length)));
            file.Seek(0, SeekOrigin.End);
            return new TensorBoardWriter(file, time ?? TimeProvider.System);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The full path of the file being written.</summary>
    public string Path => _file.Name;

    /// <summary>Length of everything added so far, in bytes, including what is not flushed yet.</summary>
    public long Length
    {
        get
        {
            lock (_gate) return _file.Position;
        }
    }

    /// <summary>Adds one number, stored as a 32-bit float as TensorBoard does. <paramref name="step"/> counts completed units.</summary>
    public void AddScalar(string tag, double value, long step) =>
        AddSummary(tag, step, message => message.Single(ValueField.SimpleValue, (float)value));

    /// <summary>
    /// Adds one image, already encoded as PNG. <paramref name="channels"/>: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
    /// </summary>
    public void AddImage(string tag, byte[] png, int height, int width, int channels, long step)
    {
        if (height <= 0 || width <= 0 || channels is < 1 or > 4)
            throw new ArgumentException("An image needs positive sides and 1 to 4 channels. "
                + $"Received: height = {height}, width = {width}, channels = {channels}.", nameof(height));
        AddSummary(tag, step, message => message.Nested(ValueField.Image, image =>
        {
            image.Integer(1, height);
            image.Integer(2, width);
            image.Integer(3, channels);
            image.Bytes(4, png);
        }));
    }

    /// <summary>Adds a text, which TensorBoard renders as Markdown.</summary>
    public void AddText(string tag, string text, long step) => AddSummary(tag, step, message =>
    {
        message.Nested(ValueField.Tensor, tensor =>
        {
            const int typeString = 7;
            tensor.Integer(1, typeString);
            tensor.Nested(2, shape => shape.Nested(2, dimension => dimension.Integer(1, 1)));
            tensor.String(8, text);
        });
        message.Nested(ValueField.Metadata, metadata => metadata.Nested(1, plugin => plugin.String(1, "text")));
    });

    /// <summary>Hands everything added so far to the operating system, where a running TensorBoard sees it.</summary>
    public void Flush()
    {
        lock (_gate) _file.Flush();
    }

    /// <summary>Flushes and closes the file.</summary>
    public void Dispose()
    {
        lock (_gate) _file.Dispose();
    }

    private static class EventField
    {
        internal const int WallTime = 1, Step = 2, FileVersion = 3, Summary = 5;
    }

    private static class ValueField
    {
        internal const int Tag = 1, SimpleValue = 2, Image = 4, Tensor = 8, Metadata = 9;
    }

    private static FileStream Create(string folder, DateTimeOffset now)
    {
        var start = string.Create(CultureInfo.InvariantCulture,
            $"events.out.tfevents.{now.ToUnixTimeSeconds()}.{Environment.MachineName}.{Environment.ProcessId}.");
        for (var n = 0; ; n++)
        {
            var path = System.IO.Path.Combine(folder, start + n.ToString(CultureInfo.InvariantCulture));
            try
            {
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
            }
            catch (IOException) when (File.Exists(path))
            {
                // Opened twice within one second, by this process or one with the same id in another container: take the next name.
            }
        }
    }

    private void Begin()
    {
        WriteEvent(message => message.String(EventField.FileVersion, "brain.Event:2"));
        Flush();
    }

    // Length in bytes of the records before the first one that is damaged or extends beyond the limit.
    private static long IntactLength(FileStream file, long limit)
    {
        var end = 0L;
        Span<byte> head = stackalloc byte[HeadLength];
        Span<byte> tail = stackalloc byte[TailLength];
        while (limit - end >= HeadLength + TailLength)
        {
            file.ReadExactly(head);
            var length = BinaryPrimitives.ReadUInt64LittleEndian(head);
            if (!IsChecksum(head[8..], head[..8]) || length > (ulong)(limit - end - HeadLength - TailLength))
                break;
            var data = new byte[length];
            file.ReadExactly(data);
            file.ReadExactly(tail);
            if (!IsChecksum(tail, data))
                break;
            end += HeadLength + data.Length + TailLength;
        }
        return end;
    }

    private static bool IsChecksum(ReadOnlySpan<byte> stored, ReadOnlySpan<byte> data) =>
        BinaryPrimitives.ReadUInt32LittleEndian(stored) == Mask(Crc32C.Compute(data));

    private void AddSummary(string tag, long step, Action<ProtobufWriter> writeValue) => WriteEvent(message =>
    {
        message.Integer(EventField.Step, step);
        message.Nested(EventField.Summary, summary => summary.Nested(1, value =>
        {
            value.String(ValueField.Tag, tag);
            writeValue(value);
        }));
    });

    private void WriteEvent(Action<ProtobufWriter> write)
    {
        var message = new ProtobufWriter();
        message.Double(EventField.WallTime, (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds);
        write(message);
        lock (_gate) WriteRecord(message.Message);
    }

    /// <summary>
    /// One TFRecord: length (8 bytes), masked checksum of the length, the data, masked checksum of the data; all little-endian.
    /// </summary>
    private void WriteRecord(ReadOnlySpan<byte> data)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[8..], Mask(Crc32C.Compute(head[..8])));
        Span<byte> tail = stackalloc byte[TailLength];
        BinaryPrimitives.WriteUInt32LittleEndian(tail, Mask(Crc32C.Compute(data)));
        _file.Write(head);
        _file.Write(data);
        _file.Write(tail);
    }

    /// <summary>TFRecord masks checksums because a checksum over data that itself contains checksums is weak.</summary>
    private static uint Mask(uint crc) => ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}
