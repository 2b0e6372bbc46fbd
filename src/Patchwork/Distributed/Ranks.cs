using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Patchwork.Distributed;

/// <summary>
/// Coordinates the ranks of a training run. Every exchange begins with a status from each rank: continuing, asked to stop, or failed. A
/// failure is therefore noticed wherever the other ranks are, and all end together instead of waiting for one that will never arrive.
/// </summary>
internal sealed class Ranks
{
    // The status that every exchange begins with: three counts, and a few numbers that are summed along with them.
    private const int Failed = 0, Cancelled = 1, Stopping = 2, Sums = 3, WordLength = 8;

    private static readonly ConditionalWeakTable<ICollective, Ranks> known = [];

    private readonly ICollective collective;
    private readonly double[] word = new double[WordLength];

    private Ranks(ICollective collective) => this.collective = collective;

    /// <summary>
    /// The ranks of a collective, always the same object for the same collective. A single process shares nothing and gets a new object.
    /// </summary>
    public static Ranks Of(ICollective collective) =>
        collective.Size == 1 ? new Ranks(collective) : known.GetValue(collective, one => new Ranks(one));

    /// <summary>This rank.</summary>
    public int Rank => collective.Rank;

    /// <summary>Number of ranks.</summary>
    public int Size => collective.Size;

    /// <summary>True if this is the only rank.</summary>
    public bool Alone => Size == 1;

    /// <summary>True on rank 0, which writes the files and the output.</summary>
    public bool Leads => Rank == 0;

    /// <summary>Seconds spent in exchanges so far, including the time waiting for other ranks.</summary>
    public double Seconds { get; private set; }

    /// <summary>True once any rank was asked to end, by a signal or a token, and an exchange has told all ranks.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>True once any rank wants to end without an error, and an exchange has told all ranks.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>Exchanges the status with the other ranks, and sums up to five numbers over all ranks in the same exchange.</summary>
    /// <param name="sums">This rank's numbers; receives the sums.</param>
    /// <param name="stopping">Whether this rank wants to end.</param>
    /// <param name="cancellation">Whether this rank was asked to end.</param>
    /// <exception cref="Exception">A rank has failed: see <see cref="Joint"/>.</exception>
    public void Meet(Span<double> sums = default, bool stopping = false, CancellationToken cancellation = default)
    {
        Exchange(sums, failed: false, stopping, cancellation.IsCancellationRequested);
        if (word[Failed] > 0)
            throw Failure(own: null);
    }

    /// <summary>True once all ranks know that the current work has failed or was cancelled.</summary>
    public bool Ended { get; private set; }

    /// <summary>Runs work that ends on all ranks when it fails on one of them.</summary>
    public T Together<T>(Func<Ranks, T> work)
    {
        (Ended, IsCancelled, IsStopping) = (false, false, false);
        try
        {
            return work(this);
        }
        catch (Exception failure) when (!Alone && !Ended)
        {
            var joint = Joint(failure);
            if (joint == failure)
                throw;
            throw joint;
        }
    }

    /// <summary>Throws on every rank once any rank was asked to end.</summary>
    public void ThrowIfCancelled()
    {
        if (IsCancelled)
        {
            Ended = true;
            throw new OperationCanceledException();
        }
    }

    /// <summary>
    /// Tells the others that this rank has failed, and returns the exception that every rank throws: the failure itself if all have failed
    /// in the same way, otherwise one of the same kind whose message names the rank. A failure that all ranks already know is returned as
    /// it is.
    /// </summary>
    public Exception Joint(Exception failure)
    {
        if (Alone || Ended)
            return failure;
        Exchange([], failed: true, stopping: false, cancelled: false);
        return Failure(failure);
    }

    /// <summary>
    /// Runs an exchange without a limit on the waiting time, because one of the ranks may have work of its own to do first.
    /// </summary>
    public T Unhurried<T>(Func<T> exchange)
    {
        if (collective is not MpiCollective mpi)
            return exchange();
        var longest = mpi.LongestWait;
        mpi.LongestWait = TimeSpan.MaxValue;
        try
        {
            return exchange();
        }
        finally
        {
            mpi.LongestWait = longest;
        }
    }

    /// <summary>Replaces each number with its sum over all ranks.</summary>
    public void Sum(Span<float> values)
    {
        Meet();
        using var clock = new Clock(this);
        collective.Sum(values);
    }

    /// <inheritdoc cref="Sum(Span{float})"/>
    public void Sum(Span<double> values)
    {
        Meet();
        using var clock = new Clock(this);
        collective.Sum(values);
    }

    /// <summary>Returns rank 0's bytes on every rank.</summary>
    /// <param name="bytes">Rank 0's bytes; ignored on the other ranks.</param>
    public byte[] Broadcast(byte[]? bytes)
    {
        Meet();
        Span<long> length = [bytes?.LongLength ?? 0];
        collective.Broadcast(MemoryMarshal.AsBytes(length));
        var all = Leads ? bytes! : new byte[length[0]];
        collective.Broadcast(all);
        return all;
    }

    /// <summary>Replaces the bytes of all other ranks with those of rank 0.</summary>
    public void Broadcast(Span<byte> bytes)
    {
        Meet();
        collective.Broadcast(bytes);
    }

    /// <summary>Collects a record from every rank, in the order of ranks.</summary>
    public IReadOnlyList<byte[]> Gather(byte[] record)
    {
        Meet();
        return collective.Gather(record);
    }

    /// <inheritdoc cref="Gather(byte[])"/>
    public IReadOnlyList<string> Gather(string record) => [.. Gather(Encoding.UTF8.GetBytes(record)).Select(Encoding.UTF8.GetString)];

    /// <summary>The name of a rank in messages.</summary>
    public string Named(int rank, string host) => $"rank {rank} of {Size} on {host}";

    private void Exchange(Span<double> sums, bool failed, bool stopping, bool cancelled)
    {
        word.AsSpan().Clear();
        (word[Failed], word[Cancelled], word[Stopping]) = (failed ? 1 : 0, cancelled ? 1 : 0, stopping ? 1 : 0);
        sums.CopyTo(word.AsSpan(Sums));
        using (new Clock(this))
            collective.Sum(word);
        word.AsSpan(Sums, sums.Length).CopyTo(sums);
        (IsCancelled, IsStopping) = (IsCancelled || word[Cancelled] > 0, IsStopping || word[Stopping] > 0);
    }

    private Exception Failure(Exception? own)
    {
        Ended = true;
        var said = collective.Gather(FailureRecord.Of(own)).Select(FailureRecord.Read).ToArray();
        var failed = said.Index().Where(one => one.Item is not null).ToArray();
        if (own is not null && failed.Length == Size && failed.All(one => one.Item!.Message == own.Message))
            return own;
        if (failed.All(one => one.Item!.IsCancellation))
            return own is OperationCanceledException ? own : new OperationCanceledException();
        var (rank, first) = failed[0];
        if (failed is [(0, { Kind: nameof(InputException) } refusal)])
            return own ?? refusal.ToException(refusal.Message, null);      // what a single process would reject too
        var others = failed.Length == 1 ? ""
            : $" So did {(failed.Length == 2 ? "rank" : "ranks")} {string.Join(", ", failed.Skip(1).Select(one => one.Index))}.";
        return first!.ToException($"{char.ToUpperInvariant(Named(rank, first.Host)[0])}{Named(rank, first.Host)[1..]} failed: "
            + $"{first.Message}{others}", own);
    }

    private readonly ref struct Clock(Ranks ranks)
    {
        private readonly long start = Stopwatch.GetTimestamp();

        public void Dispose() => ranks.Seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
