using System.IO.Compression;
using System.Text.Json.Nodes;
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
    public void Weights_for_another_number_of_classes_load_except_for_the_last_layer()
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
        Assert.Contains("shape differs, so newly initialized: fc.bias, fc.weight", loaded.Summary, StringComparison.Ordinal);
        Assert.Contains($"loaded {from.Count - 2} of the model's {from.Count} tensors", loaded.Summary, StringComparison.Ordinal);
        Assert.Equal(["fc.bias", "fc.weight"], loaded.Reshaped);
        Assert.Equal(from.Keys.Except(loaded.Reshaped).Order(StringComparer.Ordinal), loaded.Loaded);
        Assert.False(loaded.IsComplete);
        Assert.True(PretrainedWeights.Load(File, ten).IsComplete);
    }

    [Fact]
    public void Missing_and_unused_tensors_are_named()
    {
        using var model = ModelZoo.Create("resnet8", 10);
        var tensors = model.state_dict().Where(pair => pair.Key != "bn1.bias").ToDictionary(pair => pair.Key, pair => pair.Value);
        tensors["head.extra"] = ones(3);
        Safetensors.Save(File, tensors);
        var loaded = PretrainedWeights.Load(File, model);
        Assert.Contains("not in the file, so newly initialized: bn1.bias", loaded.Summary, StringComparison.Ordinal);
        Assert.Contains("not used: head.extra", loaded.Summary, StringComparison.Ordinal);
        Assert.Equal(["bn1.bias"], loaded.Missing);
        Assert.Equal(["head.extra"], loaded.Unused);
    }

    [Fact]
    public void A_file_without_matching_tensors_an_invalid_file_and_a_missing_file_are_rejected()
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

    // DataParallel, Lightning, torch.compile and their combinations put a prefix before every name.
    [Theory, InlineData("module."), InlineData("_orig_mod."), InlineData("model."), InlineData("backbone."), InlineData("model.module."),
        InlineData("anything.at.all.")]
    public void A_prefix_shared_by_all_names_is_removed_and_reported(string prefix)
    {
        using var from = ModelZoo.Create("resnet8", 10);
        using var to = ModelZoo.Create("resnet8", 10);
        Safetensors.Save(File, from.state_dict().ToDictionary(pair => prefix + pair.Key, pair => pair.Value));
        var loaded = PretrainedWeights.Load(File, to);
        Assert.True(loaded.IsComplete);
        Assert.Empty(loaded.Unused);
        Assert.Contains($"the prefix {prefix} from", loaded.Summary, StringComparison.Ordinal);
        foreach (var (name, tensor) in to.state_dict())
            Assert.True(tensor.eq(from.state_dict()[name]).all().ToBoolean(), name);
        Safetensors.Save(File, from.state_dict());
        Assert.DoesNotContain("prefix", PretrainedWeights.Load(File, to).Summary, StringComparison.Ordinal);
    }

    // Appends a tensor to the file, whose type may be one that torch does not have.
    private void Append(string name, string type, int count, byte[] values)
    {
        var file = System.IO.File.ReadAllBytes(File);
        var length = BitConverter.ToInt32(file);
        var header = JsonNode.Parse(file.AsSpan(8, length))!.AsObject();
        var end = file.Length - 8 - length;
        header[name] = new JsonObject
        {
            ["dtype"] = type,
            ["shape"] = new JsonArray(count),
            ["data_offsets"] = new JsonArray(end, end + values.Length),
        };
        var text = System.Text.Encoding.UTF8.GetBytes(header.ToJsonString());
        System.IO.File.WriteAllBytes(File, [.. BitConverter.GetBytes((long)text.Length), .. text, .. file[(8 + length)..], .. values]);
    }

    [Theory, InlineData("U64", 8), InlineData("F8_E4M3", 1), InlineData("F8_E8M0", 1), InlineData("C64", 8), InlineData("F8_E5M2FNUZ", 1)]
    public void An_unused_tensor_may_have_any_type(string type, int bytes)
    {
        using var model = ModelZoo.Create("resnet8", 10);
        Safetensors.Save(File, model.state_dict());
        Append("scales", type, 1, new byte[bytes]);
        var loaded = PretrainedWeights.Load(File, model);
        Assert.True(loaded.IsComplete);
        Assert.Equal(["scales"], loaded.Unused);
    }

    [Fact]
    public void A_required_tensor_is_converted_or_rejected_with_its_type()
    {
        using var model = ModelZoo.Create("resnet8", 10);
        var without = model.state_dict().Where(pair => pair.Key != "fc.bias").ToDictionary(pair => pair.Key, pair => pair.Value);
        Safetensors.Save(File, without);
        Append("fc.bias", "F8_E4M3", 10, [.. Enumerable.Repeat((byte)0x38, 10)]);      // 1
        Assert.True(PretrainedWeights.Load(File, model).IsComplete);
        Assert.Equal(Enumerable.Repeat(1f, 10), model.state_dict()["fc.bias"].data<float>().ToArray());
        Safetensors.Save(File, without);
        Append("fc.bias", "F8_E8M0", 10, new byte[10]);
        Assert.Contains("fc.bias", Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message,
            StringComparison.Ordinal);
        Assert.Contains("F8_E8M0", Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_are_not_finite_are_rejected_with_the_name_of_the_tensor()
    {
        using var model = ModelZoo.Create("resnet8", 10);
        var tensors = model.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        tensors["bn1.running_var"][3] = float.NaN;
        Safetensors.Save(File, tensors);
        Assert.Contains("bn1.running_var", Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message,
            StringComparison.Ordinal);
        Assert.True(model.state_dict()["bn1.running_var"].isfinite().all().ToBoolean());
    }

    [Theory, InlineData("zip", "PyTorch"), InlineData("pickle", "PyTorch"), InlineData("hdf5", "HDF5"), InlineData("gguf", "GGUF"),
        InlineData("npy", "NumPy"), InlineData("lfs", "Git LFS")]
    public void A_file_in_another_format_is_recognized(string kind, string expected)
    {
        using var model = ModelZoo.Create("resnet8", 10);
        byte[] bytes = kind switch
        {
            "zip" => Zip(),
            "pickle" => [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.'],      // its magic number
            "hdf5" => [0x89, .. "HDF\r\n\u001a\n"u8, .. new byte[100]],
            "gguf" => [.. "GGUF"u8, 3, .. new byte[100]],
            "npy" => [0x93, .. "NUMPY"u8, 1, 0, .. new byte[100]],
            _ => [.. "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"u8],
        };
        System.IO.File.WriteAllBytes(File, bytes);
        Assert.Contains(expected, Assert.Throws<InputException>(() => PretrainedWeights.Load(File, model)).Message,
            StringComparison.Ordinal);

        static byte[] Zip()
        {
            using var stream = new MemoryStream();
            using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            {
                using var entry = archive.CreateEntry("weights/data.pkl", CompressionLevel.NoCompression).Open();
                entry.Write([0x80, 2, (byte)'}', (byte)'.']);
            }
            return stream.ToArray();
        }
    }

    // PyTorch writes ResNet-50, an input and its logits, and opens the file that Patchwork writes. The Python script needs no safetensors
    // package: the format is a header and bytes.
    [Fact]
    public void Weights_exchanged_with_PyTorch_give_the_same_logits()
    {
        Lane.NeedFull("ResNet-50 there and back");
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
        // From Patchwork to PyTorch, with newly initialized weights.
        new SeedStream(2).SeedTorch("test");
        using var other = ModelZoo.Create("resnet50", 1000, imageSize: 224);
        var ours = Path.Combine(folder, "ours.safetensors");
        Safetensors.Save(ours, other.state_dict());
        Python.Run(write, File, ours);
        Compare(other, ours);

        // From PyTorch to Patchwork.
        using var model = ModelZoo.Create("resnet50", 1000, imageSize: 224);
        Assert.Contains("not used: test.input, test.logits", PretrainedWeights.Load(File, model).Summary, StringComparison.Ordinal);
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
