using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Patchwork.Tests.Data;

/// <summary>
/// A local HTTP server that answers every request with the same bytes and supports ranges. It can stop in the middle and keep the
/// connection open. Used as an HTTP proxy it answers for any address, so a process can be directed to it by environment variables.
/// </summary>
internal sealed class ContentServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource closed = new();
    private readonly byte[] content;

    public ContentServer(byte[] content)
    {
        this.content = content;
        listener.Start();
        _ = Task.Run(AcceptAsync);
    }

    /// <summary>The address of the server.</summary>
    public string Address => $"http://{listener.LocalEndpoint}";

    /// <summary>Number of bytes of the content after which the server sends nothing more but keeps the connection open.</summary>
    public int HoldAt { get; set; } = int.MaxValue;

    /// <summary>The position of the first requested byte of each request, in order.</summary>
    public ConcurrentQueue<int> Firsts { get; } = [];

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptTcpClientAsync(closed.Token));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
                var first = 0;
                while (await reader.ReadLineAsync(closed.Token) is { Length: > 0 } line)
                {
                    if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                        first = int.Parse(line["Range: bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
                }
                Firsts.Enqueue(first);
                var status = first == 0 ? "200 OK" : first < content.Length ? "206 Partial Content" : "416 Range Not Satisfiable";
                first = Math.Min(first, content.Length);
                var head = $"HTTP/1.1 {status}\r\nContent-Length: {content.Length - first}\r\nConnection: close\r\n\r\n";
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), closed.Token);
                var end = Math.Clamp(HoldAt, first, content.Length);
                await client.GetStream().WriteAsync(content.AsMemory(first..end), closed.Token);
                if (end < content.Length)
                    await Task.Delay(Timeout.Infinite, closed.Token);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                // The client hung up, or the server is closed.
            }
        }
    }

    public void Dispose()
    {
        closed.Cancel();
        listener.Stop();
        closed.Dispose();
    }
}
