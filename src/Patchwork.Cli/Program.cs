using System.Text;
using Patchwork;
using Patchwork.Cli;
using Patchwork.Distributed;

NativeHeap.KeepFreed();
if (Launcher.Detect() is not null)
    Environment.SetEnvironmentVariable("TERM", "dumb");      // launchers give a rank a terminal, to which .NET would write control codes
if (OperatingSystem.IsWindows())
    Console.OutputEncoding = Encoding.UTF8;      // λ would be a question mark
return CommandRunner.Run(args, Console.Out, Console.Error);
