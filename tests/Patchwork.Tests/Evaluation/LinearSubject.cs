using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>A linear network and 60 noise images of 16×16 in three classes, as the subject of a suite.</summary>
internal sealed class LinearSubject : IDisposable
{
    public LinearSubject()
    {
        new SeedStream(1).SeedTorch("test");
        Network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 3));
    }

    public NoiseImages Images { get; } = new(count: 60, height: 16, width: 16);

    public nn.Module<Tensor, Tensor> Network { get; }

    public Subject Subject => new(Network, Images, new SeedStream(0)) { BatchSize = 16, Validation = Images };

    /// <summary>The softmax and the label of each image, computed in one pass over the whole set and independently of the suites.</summary>
    public (float[][] Softmax, int[] Labels) Outputs()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var bytes = Enumerable.Range(0, Images.Count).SelectMany(i => Images.Read(i, []).ToArray());
        var pixels = tensor(bytes.Select(value => value / 255f).ToArray()).reshape(60, 3, 16, 16);
        var probabilities = Network.call((pixels - 0.45) / 0.23).softmax(1);
        return ([.. probabilities.data<float>().ToArray().Chunk(3)], [.. Enumerable.Range(0, 60).Select(Images.Label)]);
    }

    public void Dispose() => Network.Dispose();
}
