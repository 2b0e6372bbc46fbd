using TorchSharp; Console.WriteLine(torch.rand(3));
