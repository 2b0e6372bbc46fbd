using Patchwork.Formats;
using Patchwork.Interop;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Interop;

public sealed class PretrainedWeightsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-weights-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    private string File => Path.Combine(folder, "weights.safetensors");

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Another_number_of_classes_keeps_everything_but_the_last_layer()
    {
        new SeedStream(1).SeedTorch("test");
        using var ten = ModelZoo.Create("resnet8", 10);
        using var three = ModelZoo.Create("resnet8", 3);
        var fresh = three.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        Safetensors.Save(File, ten.state_dict());
        var loaded = PretrainedWeights.Load(File, three);
        var from = ten.state_dict();
        foreach (var (name, tensor) in three.state_dict())
            Assert.True(tensor.eq(name.StartsWith("fc.", StringComparison.Ordinal) ? fresh[name] : from[name]).all().ToBoolean(), name);
        Assert.Contains("of another shape, so started fresh: fc.bias, fc.weight", loaded.Summary, StringComparison.Ordinal);
        Assert.Contains($"took {from.Count - 2} of the model's {from.Count} tensors", loaded.Summary, StringComparison.Ordinal);
        Assert.Equal(["fc.bias", "fc.weight"], loaded.Reshaped);
        Assert.Equal(from.Keys.Except(loaded.Reshaped).Order(StringComparer.Ordinal), loaded.Loaded);
        Assert.False(loaded.IsComplete);
        Assert.True(PretrainedWeights.Load(File, ten).IsComplete);
    }

    [Fact]
    public void Missing_and_needless_tensors_are_named()
    {
        using var model = ModelZoo.Create("resnet8", 10);
        var tensors = model.state_dict().Where(pair => pair.Key != "bn1.bias").ToDictionary(pair => pair.Key, pair => pair.Value);
        tensors["head.extra"] = ones(3);
        Safetensors.Save(File, tensors);
        var loaded = PretrainedWeights.Load(File, model);
        Assert.Contains("not in the file, so started fresh: bn1.bias", loaded.Summary, StringComparison.Ordinal);
        Assert.Contains("of no use: head.extra", loaded.Summary, StringComparison.Ordinal);
        Assert.Equal(["bn1.bias"], loaded.Missing);
        Assert.Equal(["head.extra"], loaded.Unused);
    }

    [Fact]
    public void A_file_of_which_nothing_fits_and_one_that_is_none_are_refused()
    {
        using var model = ModelZoo.Create("resnet8", 10);
        Safetensors.Save(File, new Dictionary<string, Tensor> { ["features.0.weight"] = ones(3) });
        Assert.Contains("features.0.weight", Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message,
            StringComparison.Ordinal);
        System.IO.File.WriteAllText(File, "no weights");
        Assert.Contains(File, Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message, StringComparison.Ordinal);
        Assert.Contains("absent", Assert.Throws<InputException>(() =>
            PretrainedWeights.Load(Path.Combine(folder, "absent"), model)).Message, StringComparison.Ordinal);
    }

    // PyTorch writes ResNet-50 (by hand: the format is a header and bytes), an input and its logits; and opens what we write.
    [Fact]
    public void Weights_go_to_PyTorch_and_back_with_the_same_logits()
    {
        Python.Need("torchvision");
        const string write = """
            import json, struct, sys, torch, torchvision
            def save(path, tensors):
                header, data = {}, b""
                for name, tensor in tensors.items():
                    raw = tensor.contiguous().numpy().tobytes()
                    kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
                    header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
                    data += raw
                text = json.dumps(header).encode()
                open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
            def load(path):
                raw = open(path, "rb").read()
                length = struct.unpack("<Q", raw[:8])[0]
                kinds = {"F32": torch.float32, "I64": torch.int64}
                return {name: torch.frombuffer(bytearray(raw[8 + length + entry["data_offsets"][0]:8 + length + entry["data_offsets"][1]]), dtype=kinds[entry["dtype"]]).reshape(entry["shape"])
                        for name, entry in json.loads(raw[8:8 + length]).items() if name != "__metadata__"}
            torch.manual_seed(1)
            model = torchvision.models.resnet50().eval()
            x = torch.randn(2, 3, 96, 96)
            with torch.no_grad():
                save(sys.argv[1], {**model.state_dict(), "test.input": x, "test.logits": model(x)})
                model.load_state_dict(load(sys.argv[2]))
                save(sys.argv[2], {"test.input": x, "test.logits": model(x)})
            """;
        // Ours go there: other weights, of our own making.
        new SeedStream(2).SeedTorch("test");
        using var other = ModelZoo.Create("resnet50", 1000, imageSize: 224);
        var ours = Path.Combine(folder, "ours.safetensors");
        Safetensors.Save(ours, other.state_dict());
        Python.Run(write, File, ours);
        Compare(other, ours);

        // And theirs come here.
        using var model = ModelZoo.Create("resnet50", 1000, imageSize: 224);
        Assert.Contains("of no use: test.input, test.logits", PretrainedWeights.Load(File, model).Summary, StringComparison.Ordinal);
        Compare(model, File);
    }

    private static void Compare(nn.Module<Tensor, Tensor> model, string file)
    {
        using var noGradient = no_grad();
        var tensors = Safetensors.Load(file);
        model.eval();
        var logits = model.call(tensors["test.input"]);
        Assert.True(logits.allclose(tensors["test.logits"], 1e-4, 1e-4), $"{(logits - tensors["test.logits"]).abs().max().ToDouble()}");
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
    }
}
