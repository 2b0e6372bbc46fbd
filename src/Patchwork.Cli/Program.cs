using Patchwork.Cli;

NativeMemory.Keep();
return CommandRunner.Run(args, Console.Out, Console.Error);
