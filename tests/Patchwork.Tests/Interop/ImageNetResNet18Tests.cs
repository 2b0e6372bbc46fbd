using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Patchwork.Interop;
using Patchwork.Models;
using Patchwork.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Patchwork.Tests.Interop;

/// <summary>Tests that the weights of the package give the features that another runtime computes from the package's own file.</summary>
public sealed class ImageNetResNet18Tests
{
    [Fact]
    public void Features_match_OnnxRuntime_on_the_same_pixels()
    {
        Assert.SkipWhen(ImageNetResNet18.Find() is null, $"The package {ImageNetResNet18.Package} is not here.");
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var network = ModelZoo.Create(ImageNetResNet18.Model, 10, imageSize: ImageNetResNet18.ImageSize);
        var loaded = PretrainedWeights.Load(ImageNetResNet18.Id, network);
        Assert.Equal(["fc.bias", "fc.weight"], loaded.Missing);
        Assert.Empty(loaded.Unused);
        network.eval();

        // Images with structure at every scale: smoothed noise, 0 to 255.
        new SeedStream(7).SeedTorch("test");
        var pixels = nn.functional.interpolate(rand(2, 3, 14, 14), size: [224, 224], mode: InterpolationMode.Bilinear, align_corners: false).clamp(0, 1).mul(255);
        float[] mean = [.. ImageNetResNet18.Normalization.Mean], deviation = [.. ImageNetResNet18.Normalization.StandardDeviation];
        var input = pixels.div(255).sub(tensor(mean).view(1, 3, 1, 1)).div(tensor(deviation).view(1, 3, 1, 1));
        Tensor? pooled = null;
        using var hook = new HookOn(network, "layer4", output => pooled = output.mean([2, 3]).DetachFromDisposeScope());
        network.call(input);

        // The input format of the package: blue, green, red, minus the means of its preprocessing.
        var own = pixels.flip(1).sub(tensor(new[] { 103.06f, 115.90f, 123.15f }).view(1, 3, 1, 1)).contiguous();
        using var session = new InferenceSession(ImageNetResNet18.Find()!);
        for (var image = 0; image < 2; image++)
        {
            var one = new DenseTensor<float>(own[image].contiguous().data<float>().ToArray(), [1, 3, 224, 224]);
            using var outputs = session.Run([NamedOnnxValue.CreateFromTensor("Input247", one)]);
            var expected = outputs[0].AsTensor<float>().ToArray();
            var actual = pooled![image].data<float>().ToArray();
            Assert.Equal(512, expected.Length);
            Assert.True(expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max() < 1e-4);
        }
    }

    private sealed class HookOn : IDisposable
    {
        private readonly nn.Module<Tensor, Tensor>.HookRemover remover;

        public HookOn(nn.Module network, string name, Action<Tensor> see)
        {
            var module = (nn.Module<Tensor, Tensor>)network.named_modules().Single(one => one.name == name).module;
            remover = module.register_forward_hook((_, _, output) =>
            {
                see(output);
                return output;
            });
        }

        public void Dispose() => remover.remove();
    }
}
