using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Models;

[Collection(SerialCollection.Name)]
public sealed class ModelOptionsTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    // One network of each family and kind of block, with the number of its residual blocks.
    private static readonly (string Id, int Blocks)[] Networks =
    [
        ("resnet8", 3), ("preactresnet18", 8), ("wrn-16-4", 6), ("resnext29-32x4d", 9), ("pyramidnet110-a48", 54),
            ("pyramidnet110-a64", 36),
    ];

    public static TheoryData<string, int, string> Cases
    {
        get
        {
            var rows = new TheoryData<string, int, string>();
            foreach (var (id, blocks) in Networks)
                foreach (var option in new[] { "shakedrop", "stochasticdepth", "dropblock" })
                    rows.Add(id, blocks, option);
            return rows;
        }
    }

    private static ModelOptions Options(string name) => name switch
    {
        "shakedrop" => new() { Regularizers = [new ShakeDrop()] },
        "stochasticdepth" => new() { Regularizers = [new StochasticDepth { Mode = StochasticDepthMode.Row }] },
        _ => new() { Regularizers = [new DropBlock()] },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Options_add_no_weights_act_in_every_block_and_give_every_weight_a_gradient(string id, int blocks, string option)
    {
        using var plain = ModelZoo.Create(id, 5);
        using var model = ModelZoo.Create(id, 5, options: Options(option));
        Assert.Equal(plain.state_dict().Keys, model.state_dict().Keys);
        var layers = model.modules().Where(module => module is ShakeDropLayer or StochasticDepthLayer or DropBlockLayer).ToList();
        Assert.Equal(option == "dropblock" ? blocks * 2 / (id == "preactresnet18" ? 4 : 3) : blocks, layers.Count);

        var images = rand(2, 3, 16, 16);
        new SeedStream(1).SeedTorch("options");
        var first = model.call(images);
        Assert.NotEqual(ReferenceFill.Values(first), ReferenceFill.Values(model.call(images)));
        new SeedStream(1).SeedTorch("options");
        // the buffers of BatchNorm have no effect in training
        Assert.Equal(ReferenceFill.Values(first), ReferenceFill.Values(model.call(images)));
        nn.functional.cross_entropy(first, tensor(new long[] { 1, 4 })).backward();
        Assert.All(model.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    // Otherwise a deep network in evaluation would keep every feature map of a batch alive until the caller's scope ends.
    [Theory, MemberData(nameof(Cases))]
    public void A_forward_pass_leaves_no_tensor_but_its_logits(string id, int blocks, string option)
    {
        Assert.True(blocks > 0);
        using var model = ModelZoo.Create(id, 5, options: Options(option));
        var images = rand(2, 3, 16, 16);
        foreach (var training in new[] { true, false })
        {
            model.train(training);
            var live = LiveTensors.Settled();
            using var logits = model.call(images);
            Assert.Equal(live + 1, Tensor.TotalCount);
        }
    }

    [Fact]
    public void Branch_scales_in_evaluation_are_those_of_the_method()
    {
        var images = rand(2, 3, 16, 16);
        double[] Logits(ModelOptions? options)
        {
            new SeedStream(1).SeedTorch("weights");
            using var model = ModelZoo.Create("resnet20", 5, options: options);
            using var noGradient = no_grad();
            model.eval();
            return ReferenceFill.Values(model.call(images));
        }
        var plain = Logits(null);
        Assert.Equal(plain, Logits(new ModelOptions { Regularizers = [new DropBlock()] }));
        Assert.Equal(plain, Logits(new ModelOptions { Regularizers = [new StochasticDepth { Scale = StochasticDepthScale.Training }] }));
        var shaken = Logits(new ModelOptions { Regularizers = [new ShakeDrop()] });
        Assert.NotEqual(plain, shaken);
        // both (1 - p_l)·r
        Assert.Equal(shaken, Logits(new ModelOptions { Regularizers = [new StochasticDepth { DropProbability = 0.5 }] }));
    }

    [Fact]
    public void A_PyramidNet_with_drop_probability_1_passes_its_stem_through()
    {
        using var model = ModelZoo.Create("pyramidnet110-a48", 5,
            options: new ModelOptions { Regularizers = [new StochasticDepth { DropProbability = 1, Decays = false }] });
        var images = rand(2, 3, 16, 16);
        model.call(images).sum().backward();
        var parameters = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!);
        Assert.Equal(0, parameters["layer2.3.conv1.weight"].abs().max().ToDouble());
        Assert.NotEqual(0, parameters["conv1.weight"].abs().max().ToDouble());
    }

    [Fact]
    public void The_drop_probability_can_be_set_in_every_layer_of_a_method()
    {
        using var model = ModelZoo.Create("resnet8", 5, options: Options("dropblock"));
        void Set(double value, string? method = null)
        {
            foreach (var layer in BranchLayer.In(model, method))
                layer.Method = layer.Method with { DropProbability = value };
        }
        Set(0.05);
        Set(0.3, "shakedrop");      // not in this network
        var probabilities = model.modules().OfType<DropBlockLayer>().Select(layer => layer.DropProbability).ToList();
        Assert.Equal([0.0125, 0.05], probabilities);
        Assert.Throws<ArgumentOutOfRangeException>(() => Set(1.01));
    }

    [Fact]
    public void Two_methods_at_the_end_of_a_branch_are_rejected() =>
        Assert.Contains("shakedrop and stochasticdepth",
            Assert.Throws<ArgumentException>(() =>
            new ModelOptions { Regularizers = [new ShakeDrop(), new DropBlock(), new StochasticDepth()] }).Message,
            StringComparison.Ordinal);

    [Fact]
    public void PyramidNet_200_with_ShakeDrop_and_CutMix_takes_a_training_step_and_an_evaluation_step()
    {
        Lane.NeedFull("a network of 200 layers");
        using var model = ModelZoo.Create("pyramidnet200-a240", 100, options: new ModelOptions { Regularizers = [new ShakeDrop()] });
        Assert.Equal(26_844_952, model.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(66, model.modules().OfType<ShakeDropLayer>().Count());
        Assert.Equal([1.0 / 132, 0.5], model.modules().OfType<ShakeDropLayer>().Select(layer => layer.DropProbability)
            .Where((_, i) => i is 0 or 65));
        using var optimizer = optim.SGD(model.parameters(), 0.25, momentum: 0.9, weight_decay: 1e-4, nesterov: true);
        var images = rand(2, 3, 32, 32);
        var before = model.state_dict()["fc.weight"].clone();
        var mixed = new CutMix
        {
            FixedLambda = 0.75,
            Placement = Placement.Inside,
            Partners =
            Partners.Derangement
        }.Mix(new Batch(images, tensor(new long[] { 3, 97 })), new SeedStream(1).Open("mix"));
        Assert.Equal((1.0, 0.75), (mixed.Plan!.ShareMixed, mixed.Targets!.Lambdas[0]));      // 16×16 of 32×32 pixels
        var loss = mixed.Targets.Loss(model.call(mixed.Images), new CrossEntropy());
        loss.backward();
        optimizer.step();
        Assert.InRange(loss.ToDouble(), 2, 9);      // ln 100 = 4.6
        Assert.NotEqual(0, (model.state_dict()["fc.weight"] - before).abs().max().ToDouble());
        using var noGradient = no_grad();
        model.eval();
        var logits = model.call(images);
        Assert.Equal([2, 100], logits.shape);
        Assert.True(logits.isfinite().all().ToBoolean());
    }
}
