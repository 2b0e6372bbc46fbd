using Patchwork.Samples;

YourOwnCallback.Run(epochs: 3, Console.WriteLine);
