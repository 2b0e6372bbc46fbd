using System.Text.Json.Nodes;
using Patchwork.Inference;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Runs;

/// <summary>A network is exported as a folder of weights; other programs get its logits from the files in that folder alone.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class WeightsExportTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    // In float32, because the large networks diverge here within five steps of bfloat16, the default where it is faster.
    private void Train(params string[] flags)
    {
        var trained = CommandLine.Run(["train", "--quiet", "--precision", "float32", .. files.Flags("run", 1), .. flags]);
        Assert.True(trained.ExitCode == 0, trained.Error);
    }

    // Reads the folder as anyone would who knows PyTorch and the keys of config.json.
    private const string Reader = """
        import json, os, struct, sys
        import torch, torchvision
        from PIL import Image
        folder, picture = sys.argv[1:]
        config = json.load(open(os.path.join(folder, "config.json")))
        wanted, arguments = config["pretrained_cfg"], config["model_args"]
        block = {"resnet18": torchvision.models.resnet.BasicBlock, "resnet50": torchvision.models.resnet.Bottleneck}[config["architecture"]]
        model = torchvision.models.ResNet(block, arguments["layers"], num_classes=config["num_classes"])
        if arguments["in_chans"] != 3:
            model.conv1 = torch.nn.Conv2d(arguments["in_chans"], 64, 7, 2, 3, bias=False)
        raw = open(os.path.join(folder, "model.safetensors"), "rb").read()
        length = struct.unpack("<Q", raw[:8])[0]
        kinds = {"F32": torch.float32, "I64": torch.int64}
        model.load_state_dict({name: torch.frombuffer(bytearray(raw[8 + length + e["data_offsets"][0]:8 + length + e["data_offsets"][1]]),
            dtype=kinds[e["dtype"]]).reshape(e["shape"]) for name, e in json.loads(raw[8:8 + length]).items()})
        model.eval()
        assert model.fc.in_features == config["num_features"]
        channels, height, width = wanted["input_size"]
        assert wanted["interpolation"] == "bilinear" and wanted["crop_mode"] == "center" and height == width
        image = Image.open(picture).convert("RGB" if channels == 3 else "L")
        side = int(height / wanted["crop_pct"])
        short = min(image.size)
        image = image.resize([round(part * side / short) for part in image.size], Image.BILINEAR)
        left, top = (image.size[0] - width) // 2, (image.size[1] - height) // 2
        image = image.crop((left, top, left + width, top + height))
        x = torchvision.transforms.functional.to_tensor(image)
        x = torchvision.transforms.functional.normalize(x, wanted["mean"], wanted["std"])
        with torch.no_grad():
            logits = model(x[None])[0].double()
        shares = torch.softmax(logits / config.get("temperature", 1), 0)
        print(json.dumps(dict(zip(config["label_names"], shares.tolist()))))
        """;

    [Theory, InlineData("resnet18"), InlineData("resnet50"), InlineData("resnet18-imagenet")]
    public void PyTorch_gets_the_same_probabilities_from_the_timm_layout(string model)
    {
        Lane.NeedFull("trains a large network");
        Python.Need("torchvision");
        Train("--model", model, "--stem", "imagenet", "--center-crop", "0.5");
        var exported = CommandLine.Run("export", files.At("run"), "--format", "timm", "--out", files.At("timm"));
        Assert.True(exported.ExitCode == 0, exported.Error);
        Assert.Contains("with README.md, config.json, model.safetensors", exported.Output, StringComparison.Ordinal);
        // The short side is twice that of the input, so the centre crop of one half needs no resizing.
        var picture = PictureFiles.Write(files.At("picture.png"), PictureFiles.Paint(32, 64, (y, x) =>
            new SKColor((byte)(8 * y), (byte)(4 * x), (byte)(x * y))));
        using var predictor = Predictor.Open(files.At("run"));
        var expected = predictor.Classify(picture, TestContext.Current.CancellationToken);
        var seen = JsonNode.Parse(Python.Run(Reader, files.At("timm"), picture))!;
        Assert.All(expected.Classes.Zip(expected.Probabilities), one => Assert.Equal(one.Second, (double)seen[one.First]!, 1e-5));

        var card = File.ReadAllText(files.At("timm/README.md"));
        var error = (double)JsonNode.Parse(File.ReadAllText(files.At("run/result.json")))!["best"]!["top1Error"]!;
        Assert.StartsWith("---\nlibrary_name: timm\n", card, StringComparison.Ordinal);
        Assert.Contains(FormattableString.Invariant($"    - type: accuracy\n      value: {1 - error:0.####}\n"), card, StringComparison.Ordinal);
        Assert.Contains("blue, green, red", card, StringComparison.Ordinal);
        // Patchwork can also read the weights that it wrote.
        var again = CommandLine.Run(["train", "--quiet", "--precision", "float32", .. files.Flags("again", 1), "--model", model, "--weights",
            files.At("timm/model.safetensors")]);
        Assert.True(again.ExitCode == 0, again.Error);
    }

    [Fact]
    public void Networks_that_timm_does_not_have_are_rejected_and_nothing_is_written()
    {
        Train("--model", "resnet8");
        string Refused(params string[] flags)
        {
            var result = CommandLine.Run(["export", files.At("run"), "--out", files.At("out"), .. flags]);
            Assert.Equal(2, result.ExitCode);
            Assert.False(Path.Exists(files.At("out")));
            return result.Error;
        }
        Assert.Contains("Received: resnet8", Refused("--format", "timm"), StringComparison.Ordinal);
        Assert.Contains("onnx, safetensors, timm", Refused("--format", "pickle"), StringComparison.Ordinal);
        Directory.Delete(files.At("run"), recursive: true);
        Train("--model", "resnet18", "--stem", "small");
        Assert.Contains("with the small stem", Refused("--format", "timm"), StringComparison.Ordinal);
        Directory.Delete(files.At("run"), recursive: true);
        Train("--model", "resnet18", "--stem", "imagenet", "--method", "shakedrop");
        Assert.Contains("one with shakedrop, which scales its branches", Refused("--format", "timm"), StringComparison.Ordinal);
    }

    [Fact]
    public void Safetensors_are_exported_with_the_model_card()
    {
        Train("--model", "resnet8");
        var exported = CommandLine.Run("export", files.At("run"), "--format", "safetensors", "--out", files.At("weights"));
        Assert.True(exported.ExitCode == 0, exported.Error);
        Assert.Equal(File.ReadAllBytes(files.At("run/checkpoints/best.safetensors")), File.ReadAllBytes(files.At("weights/model.safetensors")));
        var last = CommandLine.Run("export", files.At("run"), "--format", "safetensors", "--which", "last", "--out", files.At("last"));
        Assert.True(last.ExitCode == 0, last.Error);
        Assert.Equal(File.ReadAllBytes(files.At("run/checkpoints/last.safetensors")), File.ReadAllBytes(files.At("last/model.safetensors")));
        Assert.Equal(16, ModelCard.Read(files.At("weights/model.json")).Height);
        Assert.Contains("exists", CommandLine.Run("export", files.At("run"), "--format", "safetensors", "--out", files.At("weights")).Error,
            StringComparison.Ordinal);
    }
}
