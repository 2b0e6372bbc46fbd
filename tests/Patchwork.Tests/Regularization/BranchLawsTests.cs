using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Regularization;

/// <summary>Laws that hold for every branch regularizer in the catalogue, alone and inside a network.</summary>
[Collection(SerialCollection.Name)]
public sealed class BranchLawsTests : IDisposable
{
    private static readonly BlockPlace Last = new(6, 6, 3, 3);
    private readonly DisposeScope scope = NewDisposeScope();

    public BranchLawsTests() => new SeedStream(8).SeedTorch("branches");

    public void Dispose() => scope.Dispose();

    private static readonly Dictionary<string, BranchRegularizer> Table = Methods.All.Select(method => method.Create())
        .OfType<BranchRegularizer>()
        .SelectMany(Own).ToDictionary(method => method.ToString());

    public static TheoryData<string> Variants => [.. Table.Keys];

    private static IEnumerable<BranchRegularizer> Own(BranchRegularizer method) => method switch
    {
        DropBlock dropBlock => Enum.GetValues<DropBlockLaw>().Select(law => dropBlock with { Law = law }),
        StochasticDepth depth =>
            [depth, depth with { Mode = StochasticDepthMode.Row }, depth with { Scale = StochasticDepthScale.Training }],
        ShakeDrop shakeDrop => Enum.GetValues<ShakeDropLevel>().Select(level => shakeDrop with { Level = level }),
        _ => [method],
    };

    private static ImageClassifier Network(BranchRegularizer? method)
    {
        new SeedStream(1).SeedTorch("weights");
        return ModelZoo.Create("resnet8", 5, options: new ModelOptions { Regularizers = method is null ? [] : [method] });
    }

    // Training outputs average to the evaluation output: for each value of a branch if that is the law of the method, for the mean of a map
    // if the method divides by the share that it keeps.
    [Theory, MemberData(nameof(Variants))]
    public void Training_outputs_average_to_the_evaluation_output(string variant)
    {
        using var layer = (Table[variant] with { DropProbability = 0.3 }).LayerAt(Last)!;
        var ones = torch.ones(2, 2, 7, 5);
        var mean = Enumerable.Range(0, 3_000).Average(_ =>
        {
            using var one = NewDisposeScope();
            return layer.call(ones).mean().ToDouble();
        });
        layer.eval();
        Assert.Equal(layer.call(ones).mean().ToDouble(), mean, 0.05);      // more than four standard errors
    }

    [Theory, MemberData(nameof(Variants))]
    public void Drop_probability_0_equals_the_plain_network_bit_for_bit(string variant)
    {
        using var plain = Network(null);
        using var model = Network(Table[variant] with { DropProbability = 0 });
        var images = randn(3, 3, 16, 24);
        foreach (var training in (bool[])[true, false])
        {
            plain.train(training);
            model.train(training);
            Assert.False(plain.call(images).ne(model.call(images)).any().ToBoolean());
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void Training_follows_torchs_seed_and_evaluation_draws_nothing(string variant)
    {
        using var model = Network(Table[variant] with { DropProbability = 0.9 });
        var images = randn(3, 3, 16, 24);
        Tensor Seeded(ulong seed)
        {
            new SeedStream(seed).SeedTorch("step");
            return model.call(images);
        }
        var outputs = Enumerable.Range(0, 5).Select(seed => Seeded((ulong)seed)).ToArray();
        Assert.False(outputs[0].ne(Seeded(0)).any().ToBoolean());
        Assert.Contains(outputs, output => output.ne(outputs[0]).any().ToBoolean());
        model.eval();
        Assert.False(Seeded(0).ne(Seeded(1)).any().ToBoolean());
    }

    [Theory, MemberData(nameof(Variants))]
    public void Gradients_flow_in_training_and_in_evaluation(string variant)
    {
        using var model = Network(Table[variant]);
        foreach (var training in (bool[])[true, false])
        {
            model.train(training);
            var images = randn(4, 3, 16, 24).requires_grad_();
            nn.functional.cross_entropy(model.call(images), tensor(new long[] { 0, 1, 2, 3 })).backward();
            Assert.All(model.parameters(), parameter => Assert.True(parameter.grad is not null));
            Assert.True(images.grad!.isfinite().all().ToBoolean() && images.grad!.abs().sum().ToDouble() > 0);
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void Any_shape_is_kept_and_the_input_is_not_modified(string variant)
    {
        foreach (var shape in (long[][])[[1, 1, 1, 1], [1, 3, 7, 5], [4, 2, 1, 9], [3, 1, 8, 8]])
        {
            using var layer = (Table[variant] with { DropProbability = 0.7 }).LayerAt(Last)!;
            var branch = randn(shape);
            var before = branch.clone();
            for (var draw = 0; draw < 10; draw++)
                Assert.Equal(shape, layer.call(branch).shape);
            Assert.False(branch.ne(before).any().ToBoolean());
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void No_tensors_leak(string variant)
    {
        using var layer = (Table[variant] with { DropProbability = 0.5 }).LayerAt(Last)!;
        var branch = randn(2, 3, 8, 6);
        foreach (var training in (bool[])[true, false])
        {
            layer.train(training);
            var before = LiveTensors.Settled();
            for (var draw = 0; draw < 10; draw++)
            {
                var output = layer.call(branch);
                if (!ReferenceEquals(output, branch))
                    output.Dispose();
            }
            Assert.Equal(before, Tensor.TotalCount);
        }
    }
}
