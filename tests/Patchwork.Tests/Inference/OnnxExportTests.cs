using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Patchwork.Tests.Inference;

/// <summary>Tests that another runtime computes the same from the exported file as the network does.</summary>
public sealed class OnnxExportTests
{
    private const int Classes = 5;

    private static readonly OnnxExport Normalized = new() { Input = OnnxInput.Normalized };

    public static TheoryData<string> Networks => [.. ModelZoo.Ids];

    private static ModelCard Card(int side, int channels = 3) => new("of a test", [.. Enumerable.Range(0, Classes).Select(k => $"class {k}")],
        channels, side, side, [.. new[] { 0.48f, 0.45f, 0.4f }.Take(channels)], [.. new[] { 0.2f, 0.25f, 0.3f }.Take(channels)]);

    // Sets statistics as training would leave them. Fresh ones, 0 and 1, would hide an input in the wrong place.
    private static T Trained<T>(T network) where T : nn.Module
    {
        using var noGradient = no_grad();
        foreach (var norm in network.modules().OfType<BatchNorm2d>())
        {
            norm.weight!.uniform_(0.5, 1.5);
            norm.bias!.normal_(0, 0.2);
            norm.running_mean!.normal_(0, 0.2);
            norm.running_var!.uniform_(0.5, 2);
        }
        foreach (var norm in network.modules().OfType<LayerNorm>())
        {
            norm.weight!.uniform_(0.5, 1.5);
            norm.bias!.normal_(0, 0.2);
        }
        network.eval();
        return network;
    }

    private static float[][] Run(byte[] file, OrtValue input)
    {
        using var session = new InferenceSession(file);
        using var options = new RunOptions();
        using var outputs = session.Run(options, ["input"], [input], ["logits", "probabilities"]);
        return [.. outputs.Select(output => output.GetTensorDataAsSpan<float>().ToArray())];
    }

    private static void AssertSame(byte[] file, nn.Module<Tensor, Tensor> network, Tensor images)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var input = OrtValue.CreateTensorValueFromMemory(images.data<float>().ToArray(), images.shape);
        var (expected, actual) = (network.call(images).contiguous().data<float>().ToArray(), Run(file, input)[0]);
        var scale = Math.Max(1, expected.Max(Math.Abs));
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second) / scale, 0, 2e-5));
        Assert.True(expected.Distinct().Count() > Classes);      // the logits depend on the images
    }

    [Theory, MemberData(nameof(Networks))]
    public void Exported_logits_match_for_every_network_with_and_without_regularizers(string id)
    {
        var isOfEach = id is "resnet8" or "resnet18" or "preactresnet18" or "wrn-16-4" or "cct-2-3x2";
        if (!isOfEach)
            Lane.NeedFull("all networks, twice each");
        new SeedStream(3).SeedTorch("test");
        List<ModelOptions> options = [new(), new() { Regularizers = [new ShakeDrop { Alpha = new(-1, 0.5) }, .. Blocks(id)] }];
        if (isOfEach)
            options.Add(new() { Regularizers = [new StochasticDepth()] });
        foreach (var option in options)
        {
            using var network = Trained(ModelZoo.Create(id, Classes, imageSize: 32, options: option));
            using var images = randn(2, 3, 32, 32);
            AssertSame(Normalized.Of(network, Card(32)), network, images);
        }
    }

    // Transformers have no feature maps to drop blocks of.
    private static DropBlock[] Blocks(string id) => ModelZoo.IsTransformer(id) ? [] : [new()];

    [Theory]
    [InlineData("cct-2-3x2", 3, 30, 12), InlineData("vit-tiny", 1, 28, 12)]
    [InlineData("resnet8", 1, 25, 12), InlineData("pyramidnet110-a48", 3, 25, 12), InlineData("pyramidnet110-a48", 3, 37, 17)]
    [InlineData("resnet18", 3, 65, 12), InlineData("resnet50", 3, 96, 17), InlineData("wrn-16-4", 1, 30, 17)]
    public void Exported_logits_match_for_grey_images_odd_sizes_and_old_opsets(string id, int channels, int side, int opset)
    {
        new SeedStream(4).SeedTorch("test");
        using var network = Trained(ModelZoo.Create(id, Classes, channels, side));
        using var images = randn(3, channels, side, side);
        AssertSame((Normalized with { Opset = opset }).Of(network, Card(side, channels)), network, images);
    }

    [Theory, InlineData(1, false), InlineData(3, false), InlineData(3, true)]
    public void The_exported_graph_normalizes_pixels_and_computes_probabilities(int channels, bool several)
    {
        const int side = 16;
        new SeedStream(5).SeedTorch("test");
        using var scope = NewDisposeScope();
        using var network = Trained(ModelZoo.Create("resnet8", Classes, channels, side));
        var card = Card(side, channels) with { MultiLabel = several };
        var pixels = randint(0, 256, [4, side, side, channels], ScalarType.Byte);
        using var input = OrtValue.CreateTensorValueFromMemory(pixels.data<byte>().ToArray(), pixels.shape);
        var (logits, probabilities) = Run(new OnnxExport().Of(network, card), input) is [var first, var second] ? (first, second) : default;

        using var noGradient = no_grad();
        Tensor OfChannels(IReadOnlyList<float> values) => tensor(values.ToArray()).view(1, channels, 1, 1);
        var images = pixels.permute(0, 3, 1, 2).to(ScalarType.Float32).div(255).sub(OfChannels(card.Mean)).div(OfChannels(card.StandardDeviation));
        var expected = network.call(images);
        Assert.All(expected.data<float>().ToArray().Zip(logits!), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));
        Assert.All((several ? expected.sigmoid() : expected.softmax(1)).data<float>().ToArray().Zip(probabilities!),
            pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public void The_ONNX_checker_accepts_the_files()
    {
        Lane.NeedFull("nine networks, read by Python");
        Python.Need("onnx");
        var folder = Directory.CreateTempSubdirectory("patchwork-onnx-");
        try
        {
            var files = new List<string>();
            foreach (var (id, channels, side, export) in new (string, int, int, OnnxExport)[]
            {
                ("resnet8", 1, 25, new()), ("resnet18", 3, 64, new() { Opset = 12 }), ("resnet50", 3, 64, Normalized),
                ("preactresnet18", 3, 32, new()), ("wrn-16-4", 3, 32, Normalized with { Opset = 12 }), ("pyramidnet110-a48", 3, 37, new()),
                ("resnext29-4x24d", 3, 32, new()), ("vit-tiny", 3, 32, new()), ("cct-2-3x2", 1, 30, new() { Opset = 12 }),
            })
            {
                using var network = ModelZoo.Create(id, Classes, channels, side, new() { Regularizers = [new ShakeDrop()] });
                network.eval();
                files.Add(Path.Combine(folder.FullName, $"{id}.onnx"));
                export.Write(files[^1], network, Card(side, channels) with { Temperature = 1.7 });
            }
            // The checker, with shape inference for the whole graph.
            const string script = """
                import sys, onnx
                for path in sys.argv[1:]:
                    model = onnx.load(path)
                    onnx.checker.check_model(model, full_check=True)
                    shape = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output[1].type.tensor_type.shape
                    print([place.dim_param or place.dim_value for place in shape.dim])
                """;
            Assert.Equal(files.Select(_ => $"['batch', {Classes}]"), Python.Run(script, [.. files]).Trim().Split('\n'));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_file_describes_its_input_output_and_card()
    {
        using var network = ModelZoo.Create("resnet8", Classes);
        using var session = new InferenceSession(new OnnxExport().Of(network, Card(32)));
        var (input, output) = (session.InputMetadata["input"], session.OutputMetadata["probabilities"]);
        Assert.Equal(("batch", typeof(byte)), (input.SymbolicDimensions[0], input.ElementType));
        Assert.Equal([-1, 32, 32, 3], input.Dimensions);
        Assert.Equal([-1, Classes], output.Dimensions);
        Assert.Equal("batch", output.SymbolicDimensions[0]);
        var notes = session.ModelMetadata.CustomMetadataMap;
        Assert.Equal(("Rgb8", "SRGB", "NominalRange_0_255"),
            (notes["Image.BitmapPixelFormat"], notes["Image.ColorSpaceGamma"], notes["Image.NominalPixelRange"]));
        var card = JsonNode.Parse(notes[OnnxExport.CardKey])!;
        Assert.Equal("pixels", (string?)card["input"]);
        Assert.Equal(Card(32).Classes, card["classes"]!.AsArray().Select(name => (string)name!));
        Assert.Equal("patchwork", session.ModelMetadata.ProducerName);
    }

    [Fact]
    public void An_exported_file_provides_initial_weights_for_training()
    {
        using var files = new PictureSet();
        using var network = Trained(ModelZoo.Create("pyramidnet110-a48", Classes));
        new OnnxExport().Write(files.At("model.onnx"), network, Card(32));
        using var other = ModelZoo.Create("pyramidnet110-a48", Classes);
        var loaded = PretrainedWeights.Load(files.At("model.onnx"), other);
        Assert.True(loaded.IsComplete, loaded.Summary);
        foreach (var ((name, own), (_, copy)) in network.named_parameters().Zip(other.named_parameters()))
            Assert.True(own.equal(copy).all().ToBoolean(), name);
    }

    // A layer whose forward pass is not a sequence of layers.
    private sealed class Own : nn.Module<Tensor, Tensor>, IOnnxLayer
    {
        private readonly Conv2d left = nn.Conv2d(6, 4, 3, padding: 1), right = nn.Conv2d(6, 4, 1);

        public Own() : base(nameof(Own)) => RegisterComponents();

        public override Tensor forward(Tensor x) => left.call(x).add_(right.call(x).sigmoid());

        public OnnxValue Write(OnnxGraph graph, OnnxValue x) =>
            graph.Add(graph.Through(left, x), graph.Node("Sigmoid", [graph.Through(right, x)], 4));
    }

    [Fact]
    public void A_custom_network_is_exported_or_rejected_with_the_name_of_the_layer()
    {
        new SeedStream(6).SeedTorch("test");
        Sequential Network(nn.Module<Tensor, Tensor> activation) => Trained(nn.Sequential(
            ("stem", nn.Conv2d(3, 6, (5, 3), stride: (2, 1), padding: (2, 1))), ("norm", nn.BatchNorm2d(6)), ("activation", activation),
            ("max", nn.MaxPool2d(3, stride: 2, padding: 1)), ("own", new Own()), ("mean", nn.AvgPool2d(2)), ("drop", nn.Dropout(0.5)),
            ("flat", nn.Flatten()), ("head", nn.Linear(4 * 4 * 8, Classes))));
        using var network = Network(nn.ReLU());
        using var images = randn(2, 3, 32, 32);
        AssertSame(Normalized.Of(network, Card(32)), network, images);

        using var odd = Network(nn.Softshrink());
        var refusal = Assert.Throws<InputException>(() => Normalized.Of(odd, Card(32)));
        Assert.Contains("Received: activation, a Softshrink", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(IOnnxLayer), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_invalid_export_is_rejected_and_leaves_no_file()
    {
        using var files = new PictureSet();
        using var network = ModelZoo.Create("resnet8", Classes + 1);
        var path = files.At("model.onnx");
        Assert.Contains("Received: 6", Assert.Throws<InputException>(() => Normalized.Write(path, network, Card(32))).Message,
            StringComparison.Ordinal);
        Assert.False(File.Exists(path));
        Assert.Contains("12 to 17. Received: 18", Assert.Throws<InputException>(() => new OnnxExport { Opset = 18 }).Message,
            StringComparison.Ordinal);
    }
}
