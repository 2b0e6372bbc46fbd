using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Patchwork.Data;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Data;

/// <summary>Tests of complete, interrupted, wrong and hostile downloads from a local server.</summary>
public sealed class DownloaderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-download-").FullName;
    private readonly Server server = new();
    private readonly HttpClient client = new();

    public void Dispose()
    {
        client.Dispose();
        server.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>Serves byte arrays, supports ranges and can close the connection in the middle.</summary>
    private sealed class Server : IDisposable
    {
        private readonly HttpListener listener = new();

        public Server()
        {
            using (var probe = new TcpListener(IPAddress.Loopback, 0))
            {
                probe.Start();
                Home = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/");
            }
            listener.Prefixes.Add(Home.ToString());
            listener.Start();
            _ = Task.Run(ServeAsync);
        }

        public Uri Home { get; }

        public Dictionary<string, byte[]> Files { get; } = [];

        public int HangUpAfter { get; set; } = int.MaxValue;

        public List<string?> Ranges { get; } = [];

        private async Task ServeAsync()
        {
            while (listener.IsListening)
            {
                var context = await listener.GetContextAsync();
                var range = context.Request.Headers["Range"];
                Ranges.Add(range);
                try
                {
                    if (!Files.TryGetValue(context.Request.Url!.LocalPath.TrimStart('/'), out var content))
                    {
                        context.Response.StatusCode = 404;
                        context.Response.Close();
                        continue;
                    }
                    var first = range is null ? 0
                        : int.Parse(range["bytes=".Length..].TrimEnd('-'), System.Globalization.CultureInfo.InvariantCulture);
                    context.Response.StatusCode = range is null ? 200 : first < content.Length ? 206 : 416;
                    var rest = content.AsMemory(Math.Min(first, content.Length));
                    context.Response.ContentLength64 = rest.Length;
                    await context.Response.OutputStream.WriteAsync(rest[..Math.Min(rest.Length, HangUpAfter)]);
                    if (HangUpAfter < rest.Length)
                        context.Response.Abort();
                    else
                        context.Response.Close();
                }
                catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or ProtocolViolationException)
                {
                    // The client hung up.
                }
            }
        }

        public void Dispose() => listener.Close();
    }

#pragma warning disable CA5351 // MD5 is what publishers provide.
    private static string Md5(byte[] content) => Convert.ToHexStringLower(MD5.HashData(content));
#pragma warning restore CA5351

    private static byte[] Noise(int count)
    {
        var draws = new SeedStream(1).Open("test");
        return [.. Enumerable.Range(0, count).Select(_ => (byte)draws.Integer(256))];
    }

    private PublishedSet Publish(string name, byte[] content, string? md5 = null, string set = "set", long limit = 1 << 20)
    {
        server.Files[name] = content;
        return new PublishedSet("any", set, [new PublishedFile(new Uri(server.Home, name), md5 ?? Md5(content))], limit);
    }

    private Task Get(PublishedSet set) =>
        new Downloader(client).GetAsync(set, folder, (_, _, _) => { }, TestContext.Current.CancellationToken);

    private string At(string path) => Path.Combine(folder, path);

    [Fact]
    public async Task A_file_is_downloaded_completely_and_only_once()
    {
        var content = Noise(300_000);
        var seen = new List<long>();
        var set = Publish("labels.gz", content);
        await new Downloader(client).GetAsync(set, folder, (_, bytes, total) =>
        {
            Assert.Equal(content.Length, total);
            seen.Add(bytes);
        }, TestContext.Current.CancellationToken);
        Assert.Equal(content, File.ReadAllBytes(At("set/labels.gz")));
        Assert.Equal(content.Length, seen[^1]);
        Assert.Equal(seen.Order(), seen);
        await Get(set);
        Assert.Single(server.Ranges);
    }

    [Fact]
    public async Task An_interrupted_download_resumes_where_it_stopped()
    {
        var content = Noise(500_000);
        var set = Publish("labels.gz", content);
        server.HangUpAfter = 200_000;
        var error = await Assert.ThrowsAsync<DownloadException>(() => Get(set));
        Assert.Contains("labels.gz could not be downloaded", error.Message, StringComparison.Ordinal);
        Assert.Contains(At("set/labels.gz"), error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("set/labels.gz")));
        var have = new FileInfo(At("set/labels.gz.partial")).Length;
        Assert.InRange(have, 1, 200_000);
        Assert.Contains($"{have} bytes of it are kept in {At("set/labels.gz.partial")}", error.Message, StringComparison.Ordinal);
        server.HangUpAfter = int.MaxValue;
        await Get(set);
        Assert.Equal($"bytes={have}-", server.Ranges[^1]);
        Assert.Equal(content, File.ReadAllBytes(At("set/labels.gz")));
        Assert.Equal(["labels.gz"], Directory.GetFiles(At("set")).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_wrong_checksum_leaves_no_file()
    {
        var error = await Assert.ThrowsAsync<DownloadException>(() => Get(Publish("labels.gz", Noise(1000), md5: Md5(Noise(999)))));
        Assert.Contains(Md5(Noise(1000)), error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(At("set")));
    }

    [Fact]
    public async Task A_network_failure_names_the_address_and_the_target_file()
    {
        var set = Publish("labels.gz", []);
        server.Dispose();
        var error = await Assert.ThrowsAsync<DownloadException>(() => Get(set));
        Assert.Contains(set.Files[0].Address.ToString(), error.Message, StringComparison.Ordinal);
        Assert.Contains(At("set/labels.gz"), error.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing has arrived", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_existing_file_with_a_wrong_checksum_is_rejected_and_kept()
    {
        var set = Publish("labels.gz", Noise(1000));
        Directory.CreateDirectory(At("set"));
        File.WriteAllText(At("set/labels.gz"), "garbage");
        var error = await Assert.ThrowsAsync<InputException>(() => Get(set));
        Assert.Contains(At("set/labels.gz"), error.Message, StringComparison.Ordinal);
        Assert.Contains(set.Files[0].Md5, error.Message, StringComparison.Ordinal);
        Assert.Equal("garbage", File.ReadAllText(At("set/labels.gz")));
        Assert.Empty(server.Ranges);
    }

    [Fact]
    public async Task An_existing_incomplete_folder_is_rejected()
    {
        var set = DatasetCatalogue.FindDownload("cifar10");
        Directory.CreateDirectory(At(set.Folder));
        var error = await Assert.ThrowsAsync<InputException>(() => Get(set));
        Assert.Contains(At(set.Folder), error.Message, StringComparison.Ordinal);
        Assert.Contains("Remove it", error.Message, StringComparison.Ordinal);
        File.WriteAllLines(At("cifar-10-batches-bin/batches.meta.txt"), Enumerable.Range(0, 10).Select(i => $"class {i}"));
        foreach (var name in (string[])[.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin"), "test_batch.bin"])
            File.WriteAllBytes(At($"cifar-10-batches-bin/{name}"), new byte[30_730_000]);
        await Get(set);
        File.WriteAllBytes(At("cifar-10-batches-bin/test_batch.bin"), new byte[30_729_999]);
        Assert.Contains("30729999", (await Assert.ThrowsAsync<InputException>(() => Get(set))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_missing_on_the_server_is_reported_with_status_404()
    {
        var set = Publish("labels.gz", []);
        server.Files.Clear();
        Assert.Contains("404", (await Assert.ThrowsAsync<DownloadException>(() => Get(set))).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("set.tar.gz"), InlineData("set.zip")]
    public async Task An_archive_is_unpacked_completely(string name)
    {
        var (one, two) = (Noise(70_000), Noise(10));
        await Get(Publish(name, Pack(name, ("set/one.bin", one), ("set/deep/two.bin", two))));
        Assert.Equal(one, File.ReadAllBytes(At("set/one.bin")));
        Assert.Equal(two, File.ReadAllBytes(At("set/deep/two.bin")));
        Assert.Equal([At("set")], Directory.GetFileSystemEntries(folder));
    }

    [Theory]
    [InlineData("set.tar.gz", "set/../../out")]
    [InlineData("set.tar.gz", "other/file")]
    [InlineData("set.zip", "../out")]
    [InlineData("set.zip", "/out")]
    [InlineData("set.zip", "set\\..\\..\\out")]
    public async Task An_entry_outside_the_folder_is_refused(string name, string entry)
    {
        var error = await Assert.ThrowsAsync<InputException>(() =>
            Get(Publish(name, Pack(name, ("set/one.bin", Noise(10)), (entry, Noise(10))))));
        Assert.Contains(entry, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("set")));
        Assert.False(Directory.Exists(At("set.partial")));
        Assert.False(File.Exists(Path.Combine(folder, "..", "out")));
    }

    [Theory, InlineData("set.tar.gz"), InlineData("set.zip")]
    public async Task An_archive_that_expands_beyond_its_limit_is_refused(string name)
    {
        var error = await Assert.ThrowsAsync<InputException>(() =>
            Get(Publish(name, Pack(name, ("set/zeros", new byte[10_000_000])), limit: 1_000_000)));
        Assert.Contains("1,000,000", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("set")));
    }

    [Theory, InlineData("set.tar.gz"), InlineData("set.zip")]
    public void An_archive_with_too_many_entries_is_rejected(string name)
    {
        File.WriteAllBytes(At(name), Pack(name, ("set/1", []), ("set/2", []), ("set/3", [])));
        var error = Assert.Throws<InputException>(
            () => Archive.Unpack(At(name), folder, "set", 1 << 20, mostEntries: 2, TestContext.Current.CancellationToken));
        Assert.Contains("at most 2 entries", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(At("set")));
        Archive.Unpack(At(name), folder, "set", 1 << 20, mostEntries: 3, TestContext.Current.CancellationToken);
        Assert.Equal(3, Directory.GetFiles(At("set")).Length);
    }

    [Theory, InlineData("set.tar.gz"), InlineData("set.zip")]
    public async Task A_damaged_archive_is_refused(string name)
    {
        var content = Pack(name, ("set/one.bin", Noise(70_000)));
        await Assert.ThrowsAsync<InputException>(() => Get(Publish(name, content[..(content.Length / 2)])));
        Assert.False(Directory.Exists(At("set")));
    }

    [Theory, InlineData("set.tar.gz"), InlineData("set.zip")]
    public void Cancelled_unpacking_keeps_only_the_archive(string name)
    {
        File.WriteAllBytes(At(name), Pack(name, ("set/one.bin", Noise(70_000))));
        var cancelled = new CancellationToken(canceled: true);
        Assert.Throws<OperationCanceledException>(() => Archive.Unpack(At(name), folder, "set", 1 << 20, cancellation: cancelled));
        Assert.Equal([At(name)], Directory.GetFileSystemEntries(folder));
    }

    [Fact]
    public async Task A_cancelled_download_keeps_the_received_bytes_and_resumes()
    {
        var content = Noise(500_000);
        var set = Publish("labels.gz", content);
        using var cancellation = new CancellationTokenSource();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Downloader(client)
            .GetAsync(set, folder, (_, bytes, _) =>
        {
            if (bytes >= 100_000)
                cancellation.Cancel();
        }, cancellation.Token));
        Assert.DoesNotContain("run", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(At("set/labels.gz")));
        var have = new FileInfo(At("set/labels.gz.partial")).Length;
        Assert.InRange(have, 100_000, 499_999);
        await Get(set);
        Assert.Equal($"bytes={have}-", server.Ranges[^1]);
        Assert.Equal(content, File.ReadAllBytes(At("set/labels.gz")));
    }

    private static byte[] Pack(string name, params (string Name, byte[] Content)[] entries)
    {
        using var packed = new MemoryStream();
        if (name.EndsWith(".zip", StringComparison.Ordinal))
        {
            using var zip = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true);
            foreach (var (entry, content) in entries)
            {
                using var stream = zip.CreateEntry(entry).Open();
                stream.Write(content);
            }
        }
        else
        {
            using var zipped = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true);
            using var tar = new TarWriter(zipped);
            foreach (var (entry, content) in entries)
                tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, entry) { DataStream = new MemoryStream(content) });
        }
        return packed.ToArray();
    }
}
