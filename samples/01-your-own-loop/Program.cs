using Patchwork.Samples;

YourOwnLoop.Run(epochs: 2, Console.WriteLine);
