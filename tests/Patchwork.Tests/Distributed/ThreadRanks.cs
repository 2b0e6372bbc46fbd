using System.Runtime.ExceptionServices;
using Patchwork.Distributed;
using Patchwork.Randomness;

namespace Patchwork.Tests.Distributed;

/// <summary>Ranks as threads of this process. Together they do what processes do, but without a launcher.</summary>
internal sealed class ThreadRanks : IDisposable
{
    private readonly int size;
    private readonly Barrier barrier;
    private readonly object?[] given;

    private ThreadRanks(int size) => (this.size, barrier, given) = (size, new Barrier(size), new object?[size]);

    /// <summary>
    /// Runs work on the given number of ranks. Returns the results by rank, or throws the failure of the lowest rank that failed.
    /// </summary>
    public static IReadOnlyList<T> Run<T>(int size, Func<ICollective, T> work)
    {
        var outcomes = Outcomes(size, work);
        outcomes.Select(one => one.Failure).FirstOrDefault(failure => failure is not null)?.Throw();
        return [.. outcomes.Select(one => one.Result!)];
    }

    /// <summary>Runs work on the given number of ranks, all of which must fail. Returns the failures by rank.</summary>
    public static IReadOnlyList<Exception> Failures(int size, Action<ICollective> work) =>
        [.. Outcomes(size, ranks => { work(ranks); return 0; }).Select(one => one.Failure!.SourceException)];

    private static IReadOnlyList<(T? Result, ExceptionDispatchInfo? Failure)> Outcomes<T>(int size, Func<ICollective, T> work)
    {
        using var ranks = new ThreadRanks(size);
        var outcomes = new (T? Result, ExceptionDispatchInfo? Failure)[size];
        var threads = Enumerable.Range(0, size).Select(rank => new Thread(() =>
        {
            using var generator = TorchDraws.OwnGenerator();
            using var collective = new Member(ranks, rank);
            try
            {
                outcomes[rank] = (work(collective), null);
            }
            catch (Exception failure)
            {
                outcomes[rank] = (default, ExceptionDispatchInfo.Capture(failure));
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
        {
            if (!thread.Join(TimeSpan.FromMinutes(2)))
                throw new TimeoutException("A rank waits for one that does not come.");
        }
        return outcomes;
    }

    public void Dispose() => barrier.Dispose();

    private T[] Exchange<T>(int rank, T own)
    {
        given[rank] = own;
        if (!barrier.SignalAndWait(TimeSpan.FromMinutes(1)))
            throw new TimeoutException("A rank waits for one that does not come.");
        var all = Array.ConvertAll(given, one => (T)one!);
        barrier.SignalAndWait(TimeSpan.FromMinutes(1));
        return all;
    }

    private sealed class Member(ThreadRanks ranks, int rank) : ICollective
    {
        public int Rank => rank;

        public int Size => ranks.size;

        public void Sum(Span<float> values)
        {
            var all = ranks.Exchange(rank, values.ToArray());
            for (var i = 0; i < values.Length; i++)
                values[i] = all.Select(one => one[i]).Aggregate((a, b) => a + b);
        }

        public void Sum(Span<double> values)
        {
            var all = ranks.Exchange(rank, values.ToArray());
            for (var i = 0; i < values.Length; i++)
                values[i] = all.Select(one => one[i]).Aggregate((a, b) => a + b);
        }

        public void Broadcast(Span<byte> bytes) => ranks.Exchange(rank, bytes.ToArray())[0].CopyTo(bytes);

        public void Barrier() => ranks.Exchange(rank, 0);

        public IReadOnlyList<byte[]> Gather(ReadOnlySpan<byte> record) => ranks.Exchange(rank, record.ToArray());

        public void Abort(int exitCode) => throw new InvalidOperationException($"Abort({exitCode})");

        public void Dispose() { }
    }
}
