namespace Patchwork.Distributed;

/// <summary>A group of one rank: nothing is sent, and every operation leaves its values as they are.</summary>
public sealed class SingleProcess : ICollective
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void Sum(Span<float> values) { }

    /// <inheritdoc/>
    public void Sum(Span<double> values) { }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes) { }

    /// <inheritdoc/>
    public void Barrier() { }

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Gather(ReadOnlySpan<byte> record) => [record.ToArray()];

    /// <inheritdoc/>
    public void Abort(int exitCode) => Environment.Exit(exitCode);

    /// <inheritdoc/>
    public void Dispose() { }
}
