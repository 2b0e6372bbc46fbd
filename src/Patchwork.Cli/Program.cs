using System.Text;
using Patchwork;
using Patchwork.Cli;

NativeHeap.KeepFreed();
if (OperatingSystem.IsWindows())
    Console.OutputEncoding = Encoding.UTF8;      // λ would be a question mark
return CommandRunner.Run(args, Console.Out, Console.Error);
