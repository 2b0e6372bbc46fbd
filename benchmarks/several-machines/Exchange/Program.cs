// How long ranks take to sum a gradient, by its size: the inputs of the cost model in docs/guide/several-machines.md.
//     mpirun.openmpi -n 2 dotnet benchmarks/several-machines/Exchange/bin/Release/net10.0/Exchange.dll
using System.Diagnostics;
using System.Globalization;
using Patchwork.Distributed;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using var ranks = Launcher.Join();
if (ranks is MpiCollective mpi && ranks.Rank == 0)
    Console.WriteLine($"{ranks.Size} ranks, {mpi.Library}");
foreach (var floats in (int[])[16, 256, 1 << 12, 1 << 16, 272_474, 1 << 20, 11_000_000, 25_000_000])
{
    var (values, seconds) = (new float[floats], new double[15]);
    for (var i = 0; i < seconds.Length; i++)
    {
        ranks.Barrier();
        var start = Stopwatch.GetTimestamp();
        ranks.Sum(values);
        seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
    Array.Sort(seconds);
    var median = seconds[seconds.Length / 2];
    var sent = 2.0 * (ranks.Size - 1) / ranks.Size * 4 * floats;
    if (ranks.Rank == 0)
        Console.WriteLine($"{floats,12:N0} floats {1e3 * median,10:F3} ms {sent / median / 1e9,8:F2} GB/s");
}
