using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Patchwork.Training;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>Tests what fine-tuning needs from networks and optimizers: stems, layer decay and frozen BatchNorm.</summary>
[Collection(SerialCollection.Name)]
public sealed class FineTuningTests : IDisposable
{
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose() => scope.Dispose();

    private static ImageClassifier Create(string id = "resnet8", int size = 32, Stem? stem = null)
    {
        new SeedStream(1).SeedTorch("test");
        return ModelZoo.Create(id, 4, imageSize: size, options: new ModelOptions { Stem = stem });
    }

    [Fact]
    public void The_stem_can_be_chosen_and_by_default_depends_on_the_image_size()
    {
        long[] Kernel(int size, Stem? stem) => ((ResNet)Create("resnet18", size, stem)).get_parameter("conv1.weight")!.shape;
        Assert.Equal([64, 3, 3, 3], Kernel(63, null));
        Assert.Equal([64, 3, 7, 7], Kernel(64, null));
        Assert.Equal([64, 3, 7, 7], Kernel(32, Stem.ImageNet));
        Assert.Equal([64, 3, 3, 3], Kernel(224, Stem.Small));
        Assert.All(ModelZoo.Ids, id => Assert.Equal(ModelZoo.HasStems(id), id is "resnet18" or "resnet34" or "resnet50" or "resnet18-imagenet"));
    }

    [Fact]
    public void The_depth_of_a_parameter_is_the_number_of_its_stage()
    {
        var model = Create("resnet18", 32);
        var depths = model.named_parameters().Zip(model.Depths(), (one, depth) => (one.name, depth.Depth));
        Assert.All(depths, one => Assert.Equal(one.name.Split('.')[0] switch
        {
            "conv1" or "bn1" => 0,
            "fc" => 5,
            var stage => int.Parse(stage["layer".Length..], System.Globalization.CultureInfo.InvariantCulture),
        }, one.Depth));
    }

    // A batch norm after the last stage belongs to the head, wherever it is registered.
    [Theory, InlineData("wrn-16-4", "bn1"), InlineData("pyramidnet110-a48", "bn_final")]
    public void Layers_after_the_last_stage_have_the_depth_of_the_head(string id, string norm)
    {
        var model = Create(id);
        var names = model.named_parameters().Zip(model.Depths(), (one, depth) => (one.name, depth.Depth)).ToArray();
        Assert.All(names.Where(one => one.name.StartsWith($"{norm}.", StringComparison.Ordinal)), one => Assert.Equal(4, one.Depth));
        Assert.Equal([0, 1, 2, 3, 4], names.Select(one => one.Depth).Distinct().Order());
        Assert.Equal(0, names.Single(one => one.name == "conv1.weight").Depth);
    }

    // One step of plain SGD moves a weight by rate times gradient, which reveals the rate of each weight.
    [Theory, InlineData(1.0), InlineData(0.5)]
    public void Layer_decay_multiplies_the_learning_rate_from_stage_to_stage(double decay)
    {
        var model = Create();
        var before = model.named_parameters().ToDictionary(one => one.name, one => one.parameter.detach().clone());
        var options = new Sgd { Momentum = 0, WeightDecay = 0, LearningRate = 0.1, LayerDecay = decay };
        using var optimizer = options.Create(model);
        model.call(ones(2, 3, 32, 32).mul(0.3)).sum().backward();
        optimizer.step();
        var depths = model.named_parameters().Zip(model.Depths(), (one, depth) => (one.name, one.parameter, depth.Depth));
        foreach (var (name, parameter, depth) in depths)
        {
            var expected = before[name] - parameter.grad!.mul(0.1 * Math.Pow(decay, 4 - depth));
            Assert.True(expected.sub(parameter).abs().max().ToDouble() < 1e-6, name);
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => new Sgd { LayerDecay = 0 });
        Assert.Throws<ArgumentException>(() => new Sgd { LayerDecay = 0.5 }.Create(nn.Linear(2, 2)));
    }

    [Fact]
    public void Layer_decay_can_be_combined_with_undecayed_vectors()
    {
        var groups = new Patchwork.Training.AdamW { LayerDecay = 0.5, DecayVectors = false }.Groups(Create());
        Assert.Equal(10, groups.Count);      // matrices and vectors for each of five depths
        Assert.All(groups, group => Assert.All(group.Parameters, parameter => Assert.Equal(group.WeightDecay > 0, parameter.dim() > 1)));
        Assert.Equal([0.0625, 0.125, 0.25, 0.5, 1], groups.Select(group => group.RateScale).Distinct());
    }

    [Fact]
    public void Frozen_BatchNorm_keeps_its_statistics_and_trains_its_scales()
    {
        var model = Create();
        model.FrozenNorm = true;
        model.train();
        var mean = model.get_buffer("bn1.running_mean")!.clone();
        model.call(randn(8, 3, 32, 32)).sum().backward();
        Assert.True(model.get_buffer("bn1.running_mean")!.equal(mean).all().ToBoolean());
        Assert.All(model.modules().OfType<BatchNorm2d>(), norm => Assert.NotNull(norm.weight!.grad));
        model.FrozenNorm = false;
        model.train();
        model.call(randn(8, 3, 32, 32));
        Assert.False(model.get_buffer("bn1.running_mean")!.equal(mean).all().ToBoolean());
    }
}
