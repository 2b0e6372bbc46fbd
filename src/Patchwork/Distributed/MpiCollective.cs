using System.Diagnostics;
using System.Globalization;
using Patchwork.Internals;

namespace Patchwork.Distributed;

/// <summary>
/// Ranks that an MPI launcher started, on one machine or several. Open MPI, MPICH and libraries with the same handles as either are found
/// at run time; nothing is compiled against them.
/// </summary>
/// <remarks>
/// MPI can be initialized and finalized only once per process, so a program has one instance. If MPI itself detects a failure, such as a
/// closed connection, it ends all ranks with its own message. A silent connection is not closed: a rank that waits longer than
/// <see cref="LongestWait"/> for the others ends all ranks.
/// </remarks>
public sealed unsafe class MpiCollective : ICollective
{
    // Maximum number of elements per call: MPI counts in int.
    private const int Most = 1 << 28;
    private const int Serialized = 2;      // MPI_THREAD_SERIALIZED: any thread, one at a time

    private static readonly TimeSpan Patience = TimeSpan.FromMicroseconds(100);
    private static readonly Lock gate = new();
    private static MpiCollective? joined;

    private readonly MpiLibrary mpi;
    private readonly delegate* unmanaged<nint, void*, int, nint, nint, nint, int> allReduce;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> broadcast;
    private readonly delegate* unmanaged<void*, int, nint, void*, int, nint, nint, int> allGather;
    private readonly delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int> allGatherV;
    private readonly delegate* unmanaged<nint, int> barrier;
    private readonly delegate* unmanaged<void*, void*, int, nint, nint, nint, nint*, int> allReduceLater;
    private readonly delegate* unmanaged<nint*, int*, nint, int> test;
    private readonly delegate* unmanaged<uint, int> sleep;
    private readonly Timer watch;
    private long waitingSince;      // a timestamp, 0 while nothing is exchanged
    private long lastLook;          // when the watch last ran
    private bool disposed;

    private MpiCollective(MpiLibrary mpi, Launcher launcher)
    {
        this.mpi = mpi;
        var provided = 0;
        Check(((delegate* unmanaged<void*, void*, int, int*, int>)mpi.Function("MPI_Init_thread"))(null, null, Serialized, &provided),
            "MPI_Init_thread");
        if (provided < Serialized)
            throw new InputException("The MPI library must accept calls from more than one thread (MPI_THREAD_SERIALIZED). "
                + $"Received: {mpi.File}, which offers level {provided}. Set {MpiLibrary.FileVariable} to another library.");
        int rank, size;
        Check(((delegate* unmanaged<nint, int*, int>)mpi.Function("MPI_Comm_rank"))(mpi.World, &rank), "MPI_Comm_rank");
        Check(((delegate* unmanaged<nint, int*, int>)mpi.Function("MPI_Comm_size"))(mpi.World, &size), "MPI_Comm_size");
        (Rank, Size) = (rank, size);
        allReduce = (delegate* unmanaged<nint, void*, int, nint, nint, nint, int>)mpi.Function("MPI_Allreduce");
        broadcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)mpi.Function("MPI_Bcast");
        allGather = (delegate* unmanaged<void*, int, nint, void*, int, nint, nint, int>)mpi.Function("MPI_Allgather");
        allGatherV = (delegate* unmanaged<void*, int, nint, void*, int*, int*, nint, nint, int>)mpi.Function("MPI_Allgatherv");
        barrier = (delegate* unmanaged<nint, int>)mpi.Function("MPI_Barrier");
        allReduceLater = (delegate* unmanaged<void*, void*, int, nint, nint, nint, nint*, int>)mpi.Function("MPI_Iallreduce");
        test = (delegate* unmanaged<nint*, int*, nint, int>)mpi.Function("MPI_Test");
        sleep = (delegate* unmanaged<uint, int>)NativeFunctions.OfGlibc("usleep");
        watch = new Timer(_ => EndSilence(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        if (size != launcher.Size)
        {
            Dispose();
            throw new InputException($"{launcher.Name} started {launcher.Size} processes, but {mpi.File} sees {size}: it belongs to "
                + $"another MPI. Start them with the launcher of that library, or set {MpiLibrary.FileVariable} to the launcher's "
                + "library.");
        }
    }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <summary>The version that the library reports, and its file.</summary>
    public string Library
    {
        get
        {
            const int most = 8192;      // MPI_MAX_LIBRARY_VERSION_STRING of both
            var text = stackalloc byte[most];
            int length;
            Check(((delegate* unmanaged<byte*, int*, int>)mpi.Function("MPI_Get_library_version"))(text, &length),
                "MPI_Get_library_version");
            var lines = System.Text.Encoding.UTF8.GetString(text, length).Split('\n', StringSplitOptions.TrimEntries);
            return $"{lines[0].Replace('\t', ' ').TrimEnd('\0')} ({mpi.File})";
        }
    }

    /// <summary>The environment variable that sets <see cref="LongestWait"/>, in seconds.</summary>
    public const string WaitVariable = "PATCHWORK_MPI_WAIT";

    /// <summary>
    /// How long a rank waits for the others before it ends all ranks. Range: positive. Default ten minutes, or the value of
    /// <see cref="WaitVariable"/>.
    /// </summary>
    public TimeSpan LongestWait { get; set; } =
        double.TryParse(Environment.GetEnvironmentVariable(WaitVariable), CultureInfo.InvariantCulture, out var seconds)
            && seconds is > 0 and < 1e9 ? TimeSpan.FromSeconds(seconds) : TimeSpan.FromMinutes(10);

    /// <summary>Joins the ranks of a launcher on the first call; later calls return the same object.</summary>
    /// <exception cref="InputException">There is no MPI library, or it belongs to another MPI than the launcher.</exception>
    internal static MpiCollective Of(Launcher launcher)
    {
        lock (gate)
            return joined ??= new MpiCollective(MpiLibrary.Load(launcher), launcher);
    }

    /// <inheritdoc/>
    public void Sum(Span<float> values)
    {
        using var exchange = new Exchange(this);
        fixed (float* first = values)
        {
            for (var done = 0; done < values.Length; done += Most)
                Check(allReduce(mpi.InPlace, first + done, Math.Min(Most, values.Length - done), mpi.Float, mpi.SumOperation, mpi.World),
                    "MPI_Allreduce");
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Meant for a few numbers, at points where ranks wait for each other: after waiting for a moment, a rank sleeps between two polls.
    /// MPI's own waiting occupies a whole core, which the other ranks may need.
    /// </remarks>
    public void Sum(Span<double> values)
    {
        using var exchange = new Exchange(this);
        nint request = 0;
        fixed (double* first = values)
        {
            Check(allReduceLater((void*)mpi.InPlace, first, values.Length, mpi.Double, mpi.SumOperation, mpi.World, &request),
                "MPI_Iallreduce");
            for (var (done, start) = (0, Stopwatch.GetTimestamp()); done == 0;)
            {
                Check(test(&request, &done, mpi.StatusIgnore), "MPI_Test");
                if (done == 0 && Stopwatch.GetElapsedTime(start) > Patience)
                    Sleep();
            }
        }
    }

    private void Sleep()
    {
        const uint microseconds = 50;
        if (sleep is null)
            Thread.Sleep(1);
        else
            _ = sleep(microseconds);
    }

    /// <inheritdoc/>
    public void Broadcast(Span<byte> bytes)
    {
        using var exchange = new Exchange(this);
        fixed (byte* first = bytes)
        {
            for (var done = 0; done < bytes.Length; done += Most)
                Check(broadcast(first + done, Math.Min(Most, bytes.Length - done), mpi.Byte, 0, mpi.World), "MPI_Bcast");
        }
    }

    /// <inheritdoc/>
    public void Barrier()
    {
        using var exchange = new Exchange(this);
        Check(barrier(mpi.World), "MPI_Barrier");
    }

    /// <inheritdoc/>
    public IReadOnlyList<byte[]> Gather(ReadOnlySpan<byte> record)
    {
        using var exchange = new Exchange(this);
        var (lengths, starts, own) = (new int[Size], new int[Size], record.Length);
        fixed (int* counts = lengths, places = starts)
        {
            Check(allGather(&own, 1, mpi.Int, counts, 1, mpi.Int, mpi.World), "MPI_Allgather");
            for (var rank = 1; rank < Size; rank++)
                starts[rank] = checked(starts[rank - 1] + lengths[rank - 1]);
            var all = new byte[checked(starts[^1] + lengths[^1])];
            fixed (byte* sent = record, received = all)
                Check(allGatherV(sent, own, mpi.Byte, received, counts, places, mpi.Byte, mpi.World), "MPI_Allgatherv");
            return [.. starts.Zip(lengths, (start, length) => all[start..(start + length)])];
        }
    }

    /// <inheritdoc/>
    public void Abort(int exitCode)
    {
        _ = ((delegate* unmanaged<nint, int, int>)mpi.Function("MPI_Abort"))(mpi.World, exitCode);
        Environment.Exit(exitCode);      // in case it returns
    }

    /// <summary>
    /// Finalizes MPI, which every rank must do before its program ends; otherwise the launcher treats the rank as crashed.
    /// </summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        watch.Dispose();
        Check(((delegate* unmanaged<int>)mpi.Function("MPI_Finalize"))(), "MPI_Finalize");
    }

    // Called every second. After a longer pause this process itself was suspended, and the wait starts again.
    private void EndSilence()
    {
        var now = Stopwatch.GetTimestamp();
        var wasSuspended = lastLook != 0 && Stopwatch.GetElapsedTime(lastLook, now) > TimeSpan.FromSeconds(2);
        lastLook = now;
        if (wasSuspended)
        {
            if (Volatile.Read(ref waitingSince) is not 0 and var start)
                Interlocked.CompareExchange(ref waitingSince, now, start);
            return;
        }
        if (Volatile.Read(ref waitingSince) is not 0 and var since && Stopwatch.GetElapsedTime(since) > LongestWait)
        {
            Console.Error.WriteLine($"patchwork: Rank {Rank} of {Size} on {Environment.MachineName} has waited "
                + $"{LongestWait.TotalSeconds:N0} s for the others, which do not respond; all ranks are ended.");
            Environment.Exit(1);
        }
    }

    private static void Check(int error, string function)
    {
        if (error != 0)
            throw new InvalidOperationException($"{function} must succeed. Received: MPI error {error}.");
    }

    private readonly ref struct Exchange
    {
        private readonly MpiCollective owner;

        public Exchange(MpiCollective owner)
        {
            ObjectDisposedException.ThrowIf(owner.disposed, owner);
            this.owner = owner;
            Volatile.Write(ref owner.waitingSince, Stopwatch.GetTimestamp());
        }

        public void Dispose() => Volatile.Write(ref owner.waitingSince, 0);
    }
}
