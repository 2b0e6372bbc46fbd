using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

/// <summary>A small network and images that are not square, for tests of methods that mix features.</summary>
[Collection(SerialCollection.Name)]
public abstract class FeatureMixing : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();
    private protected readonly nn.Module<Tensor, Tensor> model;
    private protected readonly Tensor images;

    protected FeatureMixing()
    {
        new SeedStream(1).SeedTorch("model");
        model = ModelZoo.Create("resnet8", 5);
        images = randn(4, 3, 16, 24);
    }

    public void Dispose()
    {
        model.Dispose();
        scope.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static Draws Draws(int step) => new SeedStream(7).Open("mix", 0, step);
}
