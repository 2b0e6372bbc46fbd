using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

/// <summary>A network's weights, statistics, gradients and modes, to compare with later.</summary>
internal sealed class ModelState
{
    private readonly nn.Module model;
    private readonly Dictionary<string, byte[]> values;
    private readonly bool[] modes;

    public ModelState(nn.Module model)
    {
        this.model = model;
        (values, modes) = (Values(), Modes());
    }

    /// <summary>The network in training with a frozen part and with gradients of an earlier step: what must be found again.</summary>
    public static ModelState InTraining(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        model.train();
        model.named_modules().First(module => module.name == "layer2").module.eval();
        model.zero_grad();
        model.call(images).square().mean().backward();
        return new ModelState(model);
    }

    /// <summary>Nothing is otherwise than it was, to the bit.</summary>
    public void AssertUnchanged()
    {
        var now = Values();
        Assert.Equal(values.Keys, now.Keys);
        foreach (var (name, bytes) in values)
            Assert.True(bytes.AsSpan().SequenceEqual(now[name]), $"{name} changed");
        Assert.Equal(modes, Modes());
    }

    private Dictionary<string, byte[]> Values() => model.state_dict().Select(pair => (pair.Key, pair.Value))
        .Concat(model.named_parameters().Where(pair => pair.parameter.grad is not null)
            .Select(pair => ($"{pair.name}.grad", (Tensor)pair.parameter.grad!)))
        .ToDictionary(pair => pair.Item1, pair => pair.Item2.detach().cpu().contiguous().bytes.ToArray());

    private bool[] Modes() => [.. model.modules().Prepend(model).Select(module => module.training)];
}
