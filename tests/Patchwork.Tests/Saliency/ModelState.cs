using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

/// <summary>The weights, statistics, gradients and modes of a network, kept for a later comparison.</summary>
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

    /// <summary>
    /// Captures a network in training mode with a frozen part and with the gradients of an earlier step, all of which must be preserved.
    /// </summary>
    public static ModelState InTraining(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        model.train();
        model.named_modules().First(module => module.name == "layer2").module.eval();
        model.zero_grad();
        model.call(images).square().mean().backward();
        return new ModelState(model);
    }

    /// <summary>Asserts that nothing has changed, bit for bit.</summary>
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
