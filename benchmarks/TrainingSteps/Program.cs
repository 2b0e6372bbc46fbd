// Patchwork's side of benchmarks/against-pytorch. It reads lines from standard input and answers on standard output:
//   new MODEL SIDE BATCH PRECISION   -> the precision that was chosen
//   time STEPS                       -> seconds that these steps of the last network took
using System.Globalization;
using Patchwork;
using Patchwork.Benchmarks;

NativeHeap.KeepFreed();
NativeLibraries.Ensure();
TorchSharp.torch.set_num_threads(1);
TrainingSteps? steps = null;
while (Console.ReadLine()?.Split(' ') is { } words)
{
    switch (words)
    {
        case ["new", var model, var side, var batch, var precision]:
            steps?.Dispose();
            steps = new TrainingSteps(model, int.Parse(side, CultureInfo.InvariantCulture),
                int.Parse(batch, CultureInfo.InvariantCulture), Enum.Parse<Precision>(precision, ignoreCase: true));
            Console.WriteLine(steps.Precision);
            break;
        case ["time", var count]:
            Console.WriteLine(steps!.Time(int.Parse(count, CultureInfo.InvariantCulture)).ToString("R", CultureInfo.InvariantCulture));
            break;
        default:
            throw new ArgumentException($"A line must start with new or time. Received: {string.Join(' ', words)}.");
    }
}
steps?.Dispose();
