namespace Patchwork.Distributed;

/// <summary>
/// A group of processes that work together, each with a number: its rank. Every rank calls the same operations in the same order, and each
/// operation waits for the other ranks. <see cref="SingleProcess"/> is a group of one, <see cref="MpiCollective"/> a group that an MPI
/// launcher started; <see cref="Launcher.Join"/> chooses.
/// </summary>
/// <remarks>Call it from one thread at a time. Spans belong to the caller; no reference to them is kept.</remarks>
public interface ICollective : IDisposable
{
    /// <summary>This process's number. Range 0 to <see cref="Size"/> - 1; rank 0 writes the files and the output.</summary>
    int Rank { get; }

    /// <summary>Number of ranks. Range: at least 1.</summary>
    int Size { get; }

    /// <summary>Replaces each number with its sum over all ranks, bit-identical on every rank.</summary>
    /// <param name="values">The numbers, of the same count on every rank.</param>
    void Sum(Span<float> values);

    /// <inheritdoc cref="Sum(Span{float})"/>
    void Sum(Span<double> values);

    /// <summary>Replaces the bytes of all other ranks with those of rank 0.</summary>
    /// <param name="bytes">The bytes, of the same count on every rank.</param>
    void Broadcast(Span<byte> bytes);

    /// <summary>Waits until every rank has reached this call.</summary>
    void Barrier();

    /// <summary>
    /// Collects a record from every rank and returns all of them on every rank, in the order of ranks. For names and small records.
    /// </summary>
    /// <param name="record">This rank's record, of any length.</param>
    IReadOnlyList<byte[]> Gather(ReadOnlySpan<byte> record);

    /// <summary>Ends all ranks immediately, including this one: for a rank that cannot tell the others what happened.</summary>
    /// <param name="exitCode">The exit code. Range 1 to 255.</param>
    void Abort(int exitCode);
}
