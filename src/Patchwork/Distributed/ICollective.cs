namespace Patchwork.Distributed;

/// <summary>
/// Processes that work on one thing together, each with a number: its rank. Every rank calls the same operations in the same order; each of
/// them waits for the others. <see cref="SingleProcess"/> is the one that is alone, <see cref="MpiCollective"/> the ones that a launcher of
/// MPI started; <see cref="Launcher.Join"/> chooses.
/// </summary>
/// <remarks>Calls come from one thread at a time. Spans are the caller's; nothing is kept of them.</remarks>
public interface ICollective : IDisposable
{
    /// <summary>This process's number. Range 0 to <see cref="Size"/> - 1; rank 0 writes files and speaks.</summary>
    int Rank { get; }

    /// <summary>How many ranks there are. Range: at least 1.</summary>
    int Size { get; }

    /// <summary>Puts the sum over all ranks in place of each number: the same bits on every rank.</summary>
    /// <param name="values">As many numbers on every rank.</param>
    void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<double> values);

    /// <summary>Puts rank 0's bytes in place of those of the others.</summary>
    /// <param name="bytes">As many bytes on every rank.</param>
    void Broadcast(Span<byte> bytes);

    /// <summary>Waits until every rank has come here.</summary>
    void Barrier();

    /// <summary>What every rank has to say, on every rank, in the order of ranks: for names and small records.</summary>
    /// <param name="record">This rank's, of any length.</param>
    IReadOnlyList<byte[]> Gather(ReadOnlySpan<byte> record);

    /// <summary>Ends all ranks at once, this one too: for a rank that cannot even tell the others what happened.</summary>
    /// <param name="exitCode">The exit code. Range 1 to 255.</param>
    void Abort(int exitCode);
}
