using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>A convolutional network, and six random images of 12×16 with labels of three classes.</summary>
internal sealed class RandomPixels : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public RandomPixels()
    {
        Seeds.SeedTorch("test");
        Network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 10 * 14, 3));
        Model = new PixelModel(Network, new Normalization([0.5f, 0.4f, 0.3f], [0.2f, 0.3f, 0.25f]));
        (Pixels, Labels) = (rand(6, 3, 12, 16), randint(3, [6]));
    }

    public SeedStream Seeds { get; } = new(3);

    public nn.Module<Tensor, Tensor> Network { get; }

    public PixelModel Model { get; }

    public Tensor Pixels { get; }

    public Tensor Labels { get; }

    public void Dispose()
    {
        Model.Dispose();
        Network.Dispose();
        scope.Dispose();
    }
}
