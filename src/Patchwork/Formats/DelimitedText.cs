using System.Text;
using nietras.SeparatedValues;

namespace Patchwork.Formats;

/// <summary>A row of a delimited text file.</summary>
/// <param name="Line">The line of the file that the row begins on, from 1.</param>
/// <param name="Cells">Its cells, without quotation marks and surrounding spaces.</param>
internal sealed record DelimitedRow(int Line, IReadOnlyList<string> Cells);

/// <summary>
/// A table in a delimited text file: TSV, or CSV with commas or semicolons (which spreadsheets write in many countries). Cells may be
/// quoted (RFC 4180). The encoding is UTF-8, or UTF-16 as in Excel's "Unicode text".
/// </summary>
internal sealed record DelimitedText(char Delimiter, IReadOnlyList<DelimitedRow> Rows)
{
    private const int Looked = 4096;

    /// <summary>Reads a file; rows whose cells are all empty are omitted.</summary>
    /// <exception cref="InputException">The file is missing, or is not a text in one of these encodings.</exception>
    public static DelimitedText Read(string path)
    {
        var text = ReadText(path);
        var delimiter = DelimiterOf(text);
        try
        {
            using var reader = Sep.New(delimiter).Reader(options => options with
            {
                HasHeader = false,
                Unescape = true,
                DisableColCountCheck = true,
            }).FromText(text);
            var rows = new List<DelimitedRow>();
            foreach (var row in reader)
            {
                var cells = new string[row.ColCount];
                for (var i = 0; i < cells.Length; i++)
                    cells[i] = row[i].Span.Trim().ToString();
                if (cells.Any(cell => cell.Length > 0))
                    rows.Add(new(row.LineNumberFrom, cells));
            }
            return new(delimiter, rows);
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException or ArgumentException)
        {
            throw new InputException($"{path} must be a table of separated values. Received: {error.Message.TrimEnd('.')}. "
                + "Save it as CSV.", error);
        }
    }

    /// <summary>The lines of a text file that are not empty, without surrounding spaces.</summary>
    /// <exception cref="InputException">The same as for <see cref="Read"/>.</exception>
    public static string[] ReadLines(string path) =>
        ReadText(path).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string ReadText(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
        var (encoding, mark) = EncodingOf(bytes);
        try
        {
            var text = encoding.GetString(bytes.AsSpan(mark));
            return !text.Contains('\0') ? text
                : throw new InputException($"{path} must be a text file. Received: a file with null bytes. Save it as CSV.");
        }
        catch (DecoderFallbackException error)
        {
            var line = 1 + bytes.AsSpan(0, Math.Max(error.Index, 0) + mark).Count((byte)'\n');
            throw new InputException($"{path} must be in UTF-8 or UTF-16. Received: invalid bytes in line {line}. "
                + "Save it as \"CSV UTF-8\".", error);
        }
    }

    // Detected by the byte order mark. Without one, UTF-16 is recognized because every second byte of mostly Latin text is 0.
    private static (Encoding Encoding, int Mark) EncodingOf(ReadOnlySpan<byte> bytes)
    {
        var (little, big) = (new UnicodeEncoding(false, false, true), new UnicodeEncoding(true, false, true));
        if (bytes is [0xef, 0xbb, 0xbf, ..])
            return (new UTF8Encoding(false, true), 3);
        if (bytes is [0xff, 0xfe, ..] or [0xfe, 0xff, ..])
            return (bytes[0] == 0xff ? little : big, 2);
        var (even, odd) = (0, 0);
        foreach (var (i, one) in bytes[..Math.Min(bytes.Length, Looked)].ToArray().Index())
        {
            if (one == 0)
                _ = i % 2 == 0 ? even++ : odd++;
        }
        return (Math.Max(even, odd) > Math.Min(bytes.Length, Looked) / 4 ? even > odd ? big : little : new UTF8Encoding(false, true), 0);
    }

    // The delimiter found outside of quotation marks in the first line that is not empty.
    private static char DelimiterOf(string text)
    {
        var quoted = false;
        var seen = new HashSet<char>();
        var lines = text.AsSpan().TrimStart("\r\n ");
        foreach (var letter in lines[..(lines.IndexOfAny('\r', '\n') is >= 0 and var end ? end : lines.Length)])
        {
            quoted ^= letter == '"';
            if (!quoted)
                seen.Add(letter);
        }
        return seen.Contains('\t') ? '\t' : seen.Contains(',') ? ',' : seen.Contains(';') ? ';' : ',';
    }
}
