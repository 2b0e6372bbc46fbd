using System.Text.Json;
using Patchwork.Models;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>Compares the networks with values from their authors' own definitions.</summary>
public sealed class ModelsTests : IDisposable
{
    // The recorded values have 9 significant digits, so even an exact double may differ by 5e-9 of its magnitude.
    private const double PrintedDigits = 6e-9;
    private const ulong Seed = 1;

    private readonly JsonDocument _vectors = Vectors.Open("models.json");
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, string, int, int> Networks => new()
    {
        { "clovaai_resnet20_basic", "resnet20", 10, 32 },
        { "clovaai_resnet110_bottleneck", "resnet110bottleneck", 100, 32 },
        { "clovaai_pyramidnet110_a64_bottleneck", "pyramidnet110-a64", 100, 32 },
        { "clovaai_pyramidnet110_a48_basic", "pyramidnet110-a48", 100, 32 },
        { "clovaai_pyramidnet200_a240_bottleneck", "pyramidnet200-a240", 100, 32 },
        { "xternalz_wrn16_4", "wrn-16-4", 10, 32 },
        { "xternalz_wrn28_10", "wrn-28-10", 100, 32 },
        { "kuangliu_preactresnet18", "preactresnet18", 10, 32 },
        { "torchvision_resnet50", "resnet50", 1000, 224 },
        { "torchvision_resnet18", "resnet18", 1000, 224 },      // recorded on 64-pixel images, but with the stem for large ones
    };

    public void Dispose()
    {
        _scope.Dispose();
        _vectors.Dispose();
    }

    [Fact]
    public void Reference_fill_produces_the_recorded_bits()
    {
        foreach (var check in _vectors.RootElement.GetProperty("fill_checks_seed_k_i_top53_u").EnumerateArray())
        {
            var (seed, k, i) = (check[0].GetUInt64(), check[1].GetUInt64(), check[2].GetUInt64());
            Assert.Equal(check[3].GetUInt64(), ReferenceFill.Bits(seed, k, i));
            Assert.Equal(check[4].GetDouble(), ReferenceFill.Unit(seed, k, i), PrintedDigits);
        }
    }

    [Theory, MemberData(nameof(Networks))]
    public void Parameter_names_and_shapes_match_the_published_ones(string key, string id, int classes, int imageSize)
    {
        using var model = ModelZoo.Create(id, classes, imageSize: imageSize);
        var expected = Entries(key).Select(entry => $"{entry[1].GetString()} ({string.Join(", ", entry[3].Numbers())})");
        var actual = model.state_dict().Select(pair => $"{pair.Key} ({string.Join(", ", pair.Value.shape)})");
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Networks))]
    public void The_filled_tensors_have_the_recorded_first_values_and_sums(string key, string id, int classes, int imageSize)
    {
        using var model = Filled(key, id, classes, imageSize, ScalarType.Float32);
        var state = model.state_dict();
        foreach (var entry in Entries(key).Where(entry => entry[2].GetString() != "counter"))
        {
            var values = ReferenceFill.Values(state[entry[1].GetString()!]);
            AssertNear([entry[4].GetDouble(), entry[5].GetDouble()], [values[0], values.Sum()], PrintedDigits, entry[1].GetString()!);
        }
        var input = ReferenceFill.Values(Input(key));
        AssertNear(Model(key).GetProperty("input_first8").Numbers(), input[..8], PrintedDigits, "input");
        AssertNear([Model(key).GetProperty("input_sum").GetDouble()], [input.Sum()], PrintedDigits, "sum of the input");
    }

    [Theory, MemberData(nameof(Networks))]
    public void Logits_in_single_precision_agree_to_1e_4(string key, string id, int classes, int imageSize) =>
        AssertNear(Logits(key), Evaluate(key, id, classes, imageSize, ScalarType.Float32), 1e-4, "logits");

    [Theory, MemberData(nameof(Networks))]
    public void Logits_in_double_precision_agree_to_the_printed_digits(string key, string id, int classes, int imageSize) =>
        AssertNear(Logits(key), Evaluate(key, id, classes, imageSize, ScalarType.Float64), PrintedDigits, "logits");

    [Theory]
    [InlineData("clovaai_resnet20_basic", "resnet20", 10)]
    [InlineData("clovaai_resnet110_bottleneck", "resnet110bottleneck", 100)]
    [InlineData("clovaai_pyramidnet110_a64_bottleneck", "pyramidnet110-a64", 100)]
    [InlineData("clovaai_pyramidnet110_a48_basic", "pyramidnet110-a48", 100)]
    [InlineData("xternalz_wrn16_4", "wrn-16-4", 10)]
    public void A_training_pass_gives_the_recorded_loss_gradients_and_running_statistics(string key, string id, int classes)
    {
        var step = Model(key).GetProperty("train_step");
        using var model = Filled(key, id, classes, 32, ScalarType.Float64);
        model.train();
        var logits = model.call(Input(key).to(ScalarType.Float64));
        var labels = tensor(step.GetProperty("labels").EnumerateArray().Select(label => label.GetInt64()).ToArray());
        var loss = nn.functional.cross_entropy(logits, labels);
        loss.backward();

        AssertNear(step.GetProperty("logits").Numbers(), ReferenceFill.Values(logits), 1e-8, "logits");
        AssertNear([step.GetProperty("loss").GetDouble()], ReferenceFill.Values(loss), 1e-8, "loss");
        var state = model.state_dict();
        foreach (var sum in step.GetProperty("running_sums_after").EnumerateArray())
            AssertNear([sum[1].GetDouble()], [ReferenceFill.Values(state[sum[0].GetString()!]).Sum()], 1e-7, sum[0].GetString()!);
        // A gradient far below the largest is zero in theory: only its size is checked.
        var largest = step.GetProperty("largest_gradient_l2").GetDouble();
        var gradients = model.named_parameters().ToDictionary(pair => pair.name, pair => ReferenceFill.Values(pair.parameter.grad!));
        foreach (var expected in step.GetProperty("gradients_name_l2_first").EnumerateArray())
        {
            var (name, gradient) = (expected[0].GetString()!, gradients[expected[0].GetString()!]);
            var norm = Math.Sqrt(gradient.Sum(value => value * value));
            if (expected[1].GetDouble() < 1e-6 * largest)
                Assert.True(norm < 1e-6 * largest, $"{name}: the gradient should vanish. Received: norm = {norm}.");
            else
                AssertNear([expected[1].GetDouble(), expected[2].GetDouble()], [norm, gradient[0]], 1e-7 * Math.Max(1, norm), name);
        }
    }

    // owruby's network has other names, a bias in the first convolution, and widths that are rounded up; for α = 270 they are whole numbers
    // anyway.
    [Theory, InlineData(ScalarType.Float32, 1e-4), InlineData(ScalarType.Float64, PrintedDigits)]
    public void A_PyramidNet_with_ShakeDrop_evaluates_like_the_public_ShakePyramidNet(ScalarType type, double tolerance)
    {
        const string Key = "owruby_shake_pyramidnet110_a270";
        using var model = ModelZoo.Create("pyramidnet110-a270", 100, options: new ModelOptions { Regularizers = [new ShakeDrop()] });
        model.to(type);
        var state = model.state_dict();
        var bias = zeros(16, type);
        var named = Entries(Key).ToDictionary(entry => ClovaName(entry[1].GetString()!), entry => entry);
        Assert.Equal(state.Keys.Append("conv1.bias").Order(StringComparer.Ordinal), named.Keys.Order(StringComparer.Ordinal));
        var gain = Model(Key).GetProperty("gain").GetDouble();
        foreach (var (name, entry) in named)
            ReferenceFill.Fill(name == "conv1.bias" ? bias : state[name], entry[2].GetString()!, gain, Seed, entry[0].GetUInt64());
        state["bn1.running_mean"].sub_(bias);      // the batch norm after the convolution cancels its bias
        using var noGradient = no_grad();
        model.eval();
        AssertNear(Logits(Key), ReferenceFill.Values(model.call(Input(Key).to(type))), tolerance, "logits");
        Assert.Equal(Model(Key).GetProperty("parameters").GetInt64(), model.parameters().Sum(parameter => parameter.numel())
            + bias.numel());
    }

    private static string ClovaName(string name)
    {
        (string From, string To)[] names =
            [("c_in", "conv1"), ("bn_in", "bn1"), ("bn_out", "bn_final"), ("fc_out", "fc"), ("branch.0", "bn1"), ("branch.1", "conv1"),
                ("branch.2", "bn2"),
                ("branch.4", "conv2"), ("branch.5", "bn3")];
        return names.Aggregate(name, (current, pair) => current.Replace(pair.From, pair.To, StringComparison.Ordinal));
    }

    private JsonElement Model(string key) =>
        _vectors.RootElement.GetProperty("models").EnumerateArray().Single(model => model.GetProperty("key").GetString() == key);

    private IEnumerable<JsonElement> Entries(string key) => _vectors.RootElement.GetProperty("state_dicts").EnumerateArray()
        .Single(model => model.GetProperty("key").GetString() == key).GetProperty("entries_k_name_kind_shape_first_sum").EnumerateArray();

    private double[] Logits(string key) => Model(key).GetProperty("logits").Numbers();

    private Tensor Input(string key) =>
        ReferenceFill.Input(Seed, [.. Model(key).GetProperty("input_shape").EnumerateArray().Select(side => side.GetInt64())]);

    private ImageClassifier Filled(string key, string id, int classes, int imageSize, ScalarType type)
    {
        var model = ModelZoo.Create(id, classes, imageSize: imageSize);
        model.to(type);
        var state = model.state_dict();
        var gain = Model(key).GetProperty("gain").GetDouble();
        foreach (var entry in Entries(key))
            ReferenceFill.Fill(state[entry[1].GetString()!], entry[2].GetString()!, gain, Seed, entry[0].GetUInt64());
        return model;
    }

    private double[] Evaluate(string key, string id, int classes, int imageSize, ScalarType type)
    {
        using var model = Filled(key, id, classes, imageSize, type);
        using var noGradient = no_grad();
        model.eval();
        return ReferenceFill.Values(model.call(Input(key).to(type)));
    }

    private static void AssertNear(double[] expected, double[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(1, Math.Abs(expected[i])),
                $"{what}[{i}]: expected {expected[i]:R}, received {actual[i]:R}.");
    }
}
