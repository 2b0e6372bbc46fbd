using System.Text;

namespace Patchwork.Internals;

/// <summary>
/// Writes files that are either complete or absent: the content is written to <c>name.partial</c> in the same folder, flushed to the disk,
/// then renamed over the old file. A program killed at any moment leaves the old content or the new one, never half of either.
/// </summary>
internal static class AtomicFile
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>
    /// Replaces <paramref name="path"/> with what <paramref name="write"/> writes to the stream. If it throws, the old file stays and the
    /// partial one is removed. One writer per path at a time: a second one gets an <see cref="IOException"/>.
    /// </summary>
    public static void Write(string path, Action<Stream> write)
    {
        var partial = path + ".partial";
        var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        try
        {
            using (stream)
            {
                write(stream);
                // Without this, a power cut after the rename can leave the new name with no content.
                stream.Flush(flushToDisk: true);
            }
            Files.Replace(partial, path);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
    }

    /// <summary>Replaces <paramref name="path"/> with <paramref name="text"/> in UTF-8 without a byte order mark.</summary>
    public static void WriteText(string path, string text) => Write(path, stream => stream.Write(Utf8.GetBytes(text)));
}
