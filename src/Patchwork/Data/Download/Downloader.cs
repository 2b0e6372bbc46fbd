using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Patchwork.Internals;

namespace Patchwork.Data;

/// <summary>
/// Downloads published files. An incomplete file is stored next to its final path as <c>.partial</c>, and the next call resumes from there;
/// the file itself appears only when its checksum is right.
/// </summary>
public sealed class Downloader(HttpClient client)
{
    private const int BlockBytes = 1 << 16;

    /// <summary>
    /// Downloads a set into <paramref name="data"/>/<see cref="PublishedSet.Folder"/> and unpacks it. Existing files are checked and kept.
    /// </summary>
    /// <param name="set">The set.</param>
    /// <param name="data">Folder of all sets.</param>
    /// <param name="progress">Receives the file name, bytes so far and total bytes (null if the server does not say).</param>
    /// <param name="cancellation">Stops the download; the next call resumes it.</param>
    /// <exception cref="InputException">Existing files differ from the published ones, or the folder cannot be written.</exception>
    /// <exception cref="DownloadException">A file cannot be downloaded, or differs from what was published.</exception>
    /// <exception cref="OutputException">The disk is full; the next call resumes from what has arrived.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; what has arrived is kept.</exception>
    public async Task GetAsync(
        PublishedSet set, string data, Action<string, long, long?> progress, CancellationToken cancellation = default)
    {
        var folder = Path.Combine(data, set.Folder);
        var archive = set.Files is [{ Name: var name }]
            && (name.EndsWith(".tar.gz", StringComparison.Ordinal) || name.EndsWith(".zip", StringComparison.Ordinal));
        if (archive && Directory.Exists(folder))
        {
            CheckWhole(set, folder);
            return;
        }
        try
        {
            Directory.CreateDirectory(archive ? data : folder);
            foreach (var file in set.Files)
            {
                var path = Path.Combine(archive ? data : folder, file.Name);
                if (!File.Exists(path))
                    await FetchAsync(file, path, progress, cancellation).ConfigureAwait(false);
                else if (await Md5Async(path, cancellation).ConfigureAwait(false) is var there && there != file.Md5)
                    throw new InputException($"{path} must be the published file, with the MD5 {file.Md5}. Received one with {there}. "
                        + "Remove it, then get the data set again.");
                if (archive)
                {
                    Archive.Unpack(path, data, set.Folder, set.UnpackedLimit, cancellation: cancellation);
                    File.Delete(path);
                }
            }
        }
        catch (IOException error) when (OutputException.IsNoRoom(error))
        {
            throw new OutputException($"The data set {set.Id} needs more disk space than is available in {data} "
                + $"({error.Message.TrimEnd('.')}). What has arrived is kept. Free some space, then try again to resume.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"The data set {set.Id} needs a folder that can be written. "
                + $"Received: {data} ({error.Message.TrimEnd('.')}). Choose another folder.", error);
        }
    }

    // Unpacked files have no checksum of their own; opening the set checks that each file exists, and its size and labels.
    private static void CheckWhole(PublishedSet set, string folder)
    {
        try
        {
            DatasetCatalogue.Open(set.Id, new DataOptions { Data = folder });
        }
        catch (InputException error)
        {
            throw new InputException($"{folder} must hold the complete data set {set.Id}, or not exist. "
                + $"Received one that cannot be used ({error.Message.TrimEnd('.')}). Remove it, then get the data set again.", error);
        }
    }

    private async Task FetchAsync(PublishedFile file, string path, Action<string, long, long?> progress, CancellationToken cancellation)
    {
        var partial = path + ".partial";
        try
        {
            await ReceiveAsync(file, partial, progress, cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or HttpIOException or TaskCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            var kept = File.Exists(partial)
                ? FormattableString.Invariant($"{new FileInfo(partial).Length} bytes of it are kept in {partial}: ")
                    + "try again to resume from there"
                : "Nothing has arrived: try again";
            throw new DownloadException($"{file.Name} could not be downloaded from {file.Address} ({error.Message.TrimEnd('.')}). "
                + $"{kept}, or put the file (MD5 {file.Md5}) at {path} yourself.", error);
        }
        var came = await Md5Async(partial, cancellation).ConfigureAwait(false);
        if (came != file.Md5)
        {
            File.Delete(partial);
            throw new DownloadException($"{file.Name} from {file.Address} must have the MD5 {file.Md5}. "
                + $"Received one with {came}, which was removed. Try again, or put the right file at {path} yourself.");
        }
        Files.Replace(partial, path);
    }

    private async Task ReceiveAsync(
        PublishedFile file, string partial, Action<string, long, long?> progress, CancellationToken cancellation)
    {
        var have = File.Exists(partial) ? new FileInfo(partial).Length : 0;
        using var request = new HttpRequestMessage(HttpMethod.Get, file.Address);
        if (have > 0)
            request.Headers.Range = new RangeHeaderValue(have, null);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            return;      // all of it is here; the checksum decides
        response.EnsureSuccessStatusCode();
        if (response.StatusCode != HttpStatusCode.PartialContent)
            have = 0;      // the server starts from the beginning
        var total = have + response.Content.Headers.ContentLength;
        var target = new FileStream(partial, have == 0 ? FileMode.Create : FileMode.Append, FileAccess.Write, FileShare.None);
        await using (target.ConfigureAwait(false))
        {
            var source = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
            await using (source.ConfigureAwait(false))
            {
                var block = new byte[BlockBytes];
                while (await source.ReadAsync(block, cancellation).ConfigureAwait(false) is var count and > 0)
                {
                    await target.WriteAsync(block.AsMemory(0, count), cancellation).ConfigureAwait(false);
                    progress(file.Name, have += count, total);
                }
            }
            target.Flush(flushToDisk: true);
        }
    }

    // The publishers give MD5, which finds damage in transit but does not prove who sent the file.
    private static async Task<string> Md5Async(string path, CancellationToken cancellation)
    {
        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
#pragma warning disable CA5351 // Not for security: see above.
            return Convert.ToHexStringLower(await MD5.HashDataAsync(stream, cancellation).ConfigureAwait(false));
#pragma warning restore CA5351
        }
    }
}
