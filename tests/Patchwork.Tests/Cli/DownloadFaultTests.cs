using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Patchwork.Data;
using Patchwork.Randomness;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>
/// A <c>data get</c> that is killed or runs out of space resumes where it stopped. Its addresses are real, but a proxy of the test answers
/// for them.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class DownloadFaultTests : IDisposable
{
    private const string Name = "train-images-idx3-ubyte.gz";
    // the only set that is published over plain HTTP
    private static readonly PublishedSet Published = DatasetCatalogue.FindDownload("fashionmnist");
    private static readonly byte[] Content = Noise();
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-get-").FullName;
    private readonly ContentServer server = new(Content);

    public void Dispose()
    {
        server.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_killed_download_resumes_where_it_stopped_and_never_leaves_half_a_file_under_the_final_name()
    {
        foreach (var hold in (int[])[200_000, 400_000])
        {
            server.HoldAt = hold;
            var before = Partial.Exists ? Partial.Length : 0;
            using var process = Get();
            await Arrival(process, hold - 50_000);
            process.Kill();      // SIGKILL
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(before, server.Firsts.Last());
            Assert.Equal([Partial.Name], Directory.GetFiles(Partial.DirectoryName!).Select(Path.GetFileName));
        }
        // The library downloads the last part, with the checksum of the content that the test serves.
        server.HoldAt = int.MaxValue;
        var have = Partial.Length;
        using var client = new HttpClient(new HttpClientHandler { Proxy = new System.Net.WebProxy(server.Address) });
        await new Downloader(client).GetAsync(Published with { Files = [Published.Files[0] with { Md5 = Md5(Content) }] }, folder,
            (_, _, _) => { },
            TestContext.Current.CancellationToken);
        Assert.Equal(have, server.Firsts.Last());
        Assert.Equal([Name], Directory.GetFiles(Partial.DirectoryName!).Select(Path.GetFileName));
        Assert.Equal(Content, File.ReadAllBytes(Path.Combine(Partial.DirectoryName!, Name)));
    }

    [Fact]
    public async Task Ctrl_C_stops_a_download_and_keeps_the_received_bytes()
    {
        Assert.SkipWhen(ResumeTests.IgnoresInterrupts(), "Started with SIGINT ignored, as a shell does with jobs in the background.");
        server.HoldAt = 200_000;
        using var process = Get();
        await Arrival(process, 150_000);
        using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        Assert.Equal([Partial.Name], Directory.GetFiles(Partial.DirectoryName!).Select(Path.GetFileName));
        Assert.Equal(Content[..(int)Partial.Length], File.ReadAllBytes(Partial.FullName));
    }

    [Fact]
    public void A_download_that_runs_out_of_space_says_so_and_resumes_when_there_is_space()
    {
        using var disk = new SmallDisk();
        disk.Run("256k", """
            patch full data get fashionmnist --data "$disk" --quiet
            ls "$disk"/* >"$said/after-full"
            room 2m
            patch again data get fashionmnist --data "$disk" --quiet
            ls "$disk"/* >"$said/after-again"
            """, ("http_proxy", server.Address), ("no_proxy", ""));
        var failure = disk.Said("full").Failure();
        Assert.Contains("Free some space", failure, StringComparison.Ordinal);
        Assert.Contains("try again to resume", failure, StringComparison.Ordinal);
        Assert.Equal(Name + ".partial\n", File.ReadAllText(disk.At("after-full")));
        Assert.Equal(2, server.Firsts.Count);
        Assert.InRange(server.Firsts.Last(), 1, 256 * 1024);
        // The second download is complete: its checksum, which differs from the publisher's, is that of the whole served content.
        Assert.Contains(Md5(Content), disk.Said("again").Failure(), StringComparison.Ordinal);
        Assert.Equal("", File.ReadAllText(disk.At("after-again")));
    }

    private Process Get() => CommandLine.Start(
        new Dictionary<string, string> { ["http_proxy"] = server.Address, ["no_proxy"] = "" }, "data", "get", Published.Id, "--data",
            folder);

    // Waits until this many bytes have arrived; the server then pauses.
    private async Task Arrival(Process process, long bytes)
    {
        while (!Partial.Exists || Partial.Length < bytes)
        {
            Assert.False(process.HasExited, "data get ended by itself");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private FileInfo Partial => new(Path.Combine(folder, Published.Folder, Name + ".partial"));

    private static byte[] Noise()
    {
        var draws = new SeedStream(2).Open("test");
        return [.. Enumerable.Range(0, 600_000).Select(_ => (byte)draws.Integer(256))];
    }

#pragma warning disable CA5351 // The publishers give MD5 checksums.
    private static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351
}
