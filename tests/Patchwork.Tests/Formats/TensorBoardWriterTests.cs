using System.Globalization;
using Patchwork.Formats;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Formats;

public sealed class TensorBoardWriterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("patchwork-events-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>A clock that always shows 1,700,000,000.25 seconds after 1970.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000.25);
    }

    private TensorBoardWriter Open() => new(_folder, new StoppedClock());

    [Fact]
    public void The_first_record_is_the_version_with_its_time_in_seconds()
    {
        using var writer = Open();
        var version = Assert.Single(EventFileReader.Read(writer.Path));
        Assert.Equal([1, 3], version.Select(field => field.Number));
        Assert.Equal(1_700_000_000.25, version[0].Double);
        Assert.Equal("brain.Event:2", version[1].Text);
    }

    [Fact]
    public void Damage_is_detected_by_checksums_or_a_premature_end()
    {
        using (var writer = Open())
        {
            writer.AddScalar("train/loss", 2.3, 1);
            writer.AddScalar("val/loss", 2.1, 2);
        }
        var whole = File.ReadAllBytes(Directory.GetFiles(_folder).Single());
        var events = EventFileReader.Read(new MemoryStream(whole)).Count;
        var refused = Mutation.Refused<InvalidDataException>("damaged events", Mutation.Inputs, [whole], [], 1 << 16, input =>
        {
            try
            {
                Assert.InRange(EventFileReader.Read(new MemoryStream(input)).Count, 0, 2 * events);
            }
            catch (EndOfStreamException error)
            {
                throw new InvalidDataException(error.Message);
            }
        });
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs);
    }

    [Theory]
    [InlineData("train/loss", 2.302585, 0L)]
    [InlineData("λ", -0.5, 3_000_000_000L)]
    [InlineData("", double.NaN, long.MaxValue)]
    public void A_scalar_is_written_as_a_simple_value(string tag, double value, long step)
    {
        using (var writer = Open()) writer.AddScalar(tag, value, step);
        var added = EventFileReader.Read(Directory.GetFiles(_folder).Single())[1];
        Assert.Equal([1, 2, 5], added.Select(field => field.Number));
        Assert.Equal(1_700_000_000.25, added[0].Double);
        Assert.Equal((ulong)step, added[1].Integer);
        var item = added[2][1];
        Assert.Equal([1, 2], item.Message.Select(field => field.Number));
        Assert.Equal(tag, item[1].Text);
        Assert.Equal(5, item[2].Wire);
        Assert.Equal((float)value, item[2].Single);
    }

    [Fact]
    public void A_scalar_record_has_the_expected_bytes()
    {
        using (var writer = Open()) writer.AddScalar("a", 1, 2);
        var bytes = File.ReadAllBytes(Directory.GetFiles(_folder).Single());
        byte[] message =
        [
            0x09, .. BitConverter.GetBytes(1_700_000_000.25), // wall_time
            0x10, 2, // step
            0x2a, 10, 0x0a, 8, 0x0a, 1, (byte)'a', 0x15, 0, 0, 0x80, 0x3f, // summary { value { tag: "a" simple_value: 1 } }
        ];
        Assert.Equal(message, bytes[^(message.Length + 4)..^4]);
        Assert.Equal(BitConverter.GetBytes((ulong)message.Length), bytes[^(message.Length + 16)..^(message.Length + 8)]);
    }

    [Fact]
    public void An_image_is_written_with_its_size_and_PNG_data()
    {
        byte[] png = [0x89, (byte)'P', (byte)'N', (byte)'G', .. new byte[300]];
        using (var writer = Open()) writer.AddImage("grid", png, 20, 30, 3, 7);
        var image = EventFileReader.Read(Directory.GetFiles(_folder).Single())[1].Single(field => field.Number == 5)[1][4];
        Assert.Equal([20, 30, 3], image.Message.Take(3).Select(field => (int)field.Integer));
        Assert.Equal(png, image[4].Bytes);
    }

    [Fact]
    public void A_text_is_written_as_a_string_tensor_of_the_text_plugin()
    {
        using (var writer = Open()) writer.AddText("note", "**λ** = 0.7", 1);
        var value = EventFileReader.Read(Directory.GetFiles(_folder).Single())[1].Single(field => field.Number == 5)[1];
        Assert.Equal("note", value[1].Text);
        Assert.Equal(7UL, value[8][1].Integer); // DT_STRING
        Assert.Equal(1UL, value[8][2][2][1].Integer); // shape [1]
        Assert.Equal("**λ** = 0.7", value[8][8].Text);
        Assert.Equal("text", value[9][1][1].Text);
    }

    [Fact]
    public void Opening_twice_within_a_second_gives_two_files()
    {
        using var first = Open();
        using var second = Open();
        first.AddScalar("a", 1, 1);
        first.Flush();
        Assert.NotEqual(first.Path, second.Path);
        Assert.StartsWith("events.out.tfevents.1700000000.", Path.GetFileName(first.Path));
        Assert.Equal(2, EventFileReader.Read(first.Path).Count);
        Assert.Single(EventFileReader.Read(second.Path));
    }

    [Fact]
    public void Appending_drops_records_after_the_given_length()
    {
        string path;
        long kept;
        using (var writer = Open())
        {
            writer.AddScalar("kept", 1, 1);
            (path, kept) = (writer.Path, writer.Length);
            writer.AddScalar("dropped", 1, 2);
        }
        using (var writer = TensorBoardWriter.Append(path, kept, new StoppedClock()))
            writer.AddScalar("appended", 1, 2);
        Assert.Equal(path, Assert.Single(Directory.GetFiles(_folder)));
        Assert.Equal(["kept", "appended"], Tags(path));
    }

    // A kill or a power cut can end the file anywhere, and a byte can be damaged anywhere.
    [Fact]
    public void Appending_keeps_the_records_before_the_first_truncated_or_damaged_one()
    {
        List<long> ends = [];
        string path;
        using (var writer = Open())
        {
            path = writer.Path;
            ends.Add(writer.Length);
            foreach (var tag in (string[])["a", "b", "c"])
            {
                writer.AddScalar(tag, 1, 1);
                ends.Add(writer.Length);
            }
        }
        var whole = File.ReadAllBytes(path);
        Assert.Equal(ends[^1], whole.Length);
        for (var at = 0; at < whole.Length; at++)
        {
            var intact = ends.Count(end => end <= at);
            foreach (var bytes in (byte[][])[whole[..at], [.. whole[..at], (byte)(whole[at] ^ 0x10), .. whole[(at + 1)..]]])
            {
                File.WriteAllBytes(path, bytes);
                using (var writer = TensorBoardWriter.Append(path, whole.Length, new StoppedClock()))
                    writer.AddScalar("new", 1, 2);
                Assert.Equal([.. ((string[])["a", "b", "c"])[..Math.Max(0, intact - 1)], "new"], Tags(path));
            }
        }
    }

    // The tags of the events after the version, with which every file starts.
    private static string[] Tags(string path)
    {
        var events = EventFileReader.Read(path);
        Assert.Equal("brain.Event:2", events[0][1].Text);
        return [.. events.Skip(1).Select(added => added[2][1][1].Text)];
    }

    [Fact]
    public void Concurrent_writes_keep_records_intact()
    {
        using (var writer = Open())
            Parallel.For(0, 200, i => writer.AddScalar(i.ToString(CultureInfo.InvariantCulture), i, i));
        var tags = Tags(Directory.GetFiles(_folder).Single());
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i.ToString(CultureInfo.InvariantCulture)).Order(), tags.Order());
    }
}
