using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

[Collection(SerialCollection.Name)]
public sealed class HeldStepsTests
{
    public static TheoryData<string> Kinds => ["sgd", "plain sgd", "heavy ball", "adam", "decayed adam", "adamw"];

    // The optimizer that the options create, and that of TorchSharp with the same settings.
    private static (Patchwork.Training.OptimizerOptions Options, Func<IEnumerable<Parameter>, OptimizerHelper> Torch) Of(string kind) =>
        kind switch
        {
            "sgd" => (new Sgd { LearningRate = 0.05 }, parameters => optim.SGD(parameters, 0.05, 0.9, weight_decay: 1e-4, nesterov: true)),
            "plain sgd" => (new Sgd { LearningRate = 0.05, Momentum = 0, WeightDecay = 0 }, parameters => optim.SGD(parameters, 0.05)),
            "heavy ball" =>
                (new Sgd { LearningRate = 0.05, Nesterov = false }, parameters => optim.SGD(parameters, 0.05, 0.9, weight_decay: 1e-4)),
            "adam" => (new Patchwork.Training.Adam(), parameters => optim.Adam(parameters, 1e-3)),
            "decayed adam" =>
                (new Patchwork.Training.Adam { WeightDecay = 1e-3 }, parameters => optim.Adam(parameters, 1e-3, weight_decay: 1e-3)),
            _ => (new Patchwork.Training.AdamW(), parameters => optim.AdamW(parameters, 1e-3, weight_decay: 1e-2)),
        };

    [Theory, MemberData(nameof(Kinds))]
    public void Every_step_equals_TorchSharps_own_bit_for_bit(string kind)
    {
        using var scope = NewDisposeScope();
        nn.Module<Tensor, Tensor> Model() => new SeedStream(3).Network(() => ModelZoo.Create("resnet8", 4));
        var (ours, theirs) = (Model(), Model());
        var (options, torch) = Of(kind);
        using var own = options.Create(ours);
        using var other = torch(theirs.parameters());
        for (var step = 0; step < 4; step++)
        {
            new SeedStream(4).SeedTorch("batch", 0, step);
            var (images, labels) = (rand(8, 3, 16, 16), randint(4, [8]));
            foreach (var (model, optimizer) in ((nn.Module<Tensor, Tensor>, OptimizerHelper)[])[(ours, own), (theirs, other)])
            {
                optimizer.zero_grad();
                nn.functional.cross_entropy(model.call(images), labels).backward();
                optimizer.step();
            }
        }
        foreach (var (a, b) in ours.parameters().Zip(theirs.parameters()))
            Assert.True(a.Equals(b));
    }

    [Fact]
    public void Vectors_without_weight_decay_are_a_separate_group()
    {
        using var model = ModelZoo.Create("resnet8", 4);
        using var optimizer = new Sgd { DecayVectors = false }.Create(model);
        Assert.Equal(2, optimizer.ParamGroups.Count());
        var vector = model.parameters().First(parameter => parameter.dim() == 1);
        var matrix = model.parameters().First(parameter => parameter.dim() == 4);
        using var before = vector.detach().clone();
        using var matrixBefore = matrix.detach().clone();
        optimizer.zero_grad();
        foreach (var parameter in model.parameters())
            parameter.grad = zeros_like(parameter);
        optimizer.step();
        Assert.True(vector.Equals(before));      // no gradient and no decay
        Assert.False(matrix.Equals(matrixBefore));
    }
}
