using Patchwork;
using Patchwork.Samples;

NativeHeap.KeepFreed();      // keeps freed memory in the process, which is faster: see docs/guide/speed.md
var steps = args is [var count, ..] ? int.Parse(count, System.Globalization.CultureInfo.InvariantCulture) : 100;
MixedPrecision.Run(Precision.BFloat16, steps, batchSize: 8, Console.WriteLine);
