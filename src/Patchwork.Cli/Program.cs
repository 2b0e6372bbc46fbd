using Patchwork;
using Patchwork.Cli;

NativeHeap.KeepFreed();
return CommandRunner.Run(args, Console.Out, Console.Error);
