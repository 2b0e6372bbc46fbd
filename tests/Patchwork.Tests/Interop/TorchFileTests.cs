using System.IO.Compression;
using System.Text;
using Patchwork.Formats;
using Patchwork.Interop;
using Patchwork.Models;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Interop;

/// <summary>Tests that state dicts written by PyTorch are read, and that anything else is rejected before any of it runs.</summary>
public sealed class TorchFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("patchwork-pth-").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private string At(string name) => Path.Combine(folder, name);

    // Saves the state dict of a torchvision network with updated statistics in a given form, and an input with its logits.
    private const string Script = """
        import sys, torch, torchvision
        folder, name, form = sys.argv[1:]
        torch.manual_seed(3)
        net = getattr(torchvision.models, name)(weights=None, num_classes=7)
        x = torch.randn(2, 3, 96, 96)
        net.train(); net(torch.randn(4, 3, 64, 64)); net.eval()
        state = net.state_dict()
        if form == 'half': net.half(); net.float(); state = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
        if form == 'nested': state = {'epoch': 3, 'optimizer': {'lr': 0.1}, 'state_dict': {'module.' + k: v for k, v in state.items()}}
        if form == 'shared':
            flat = torch.cat([v.reshape(-1) for v in state.values() if v.is_floating_point()])
            at = 0
            for k, v in list(state.items()):
                if v.is_floating_point(): state[k] = flat[at:at + v.numel()].view(v.shape); at += v.numel()
            state['conv1.weight'] = state['conv1.weight'].permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)      # other strides
        if form == 'parameters': state = dict(net.named_parameters()) | dict(net.named_buffers())
        torch.save(state, folder + '/weights.pth')
        with torch.no_grad(): y = net(x)
        x.numpy().tofile(folder + '/x.bin'); y.numpy().tofile(folder + '/y.bin')
        """;

    [Theory]
    [InlineData("resnet18", "plain"), InlineData("resnet18", "nested"), InlineData("resnet18", "half"), InlineData("resnet18", "shared"),
        InlineData("resnet18", "parameters"), InlineData("resnet50", "plain")]
    public void A_PyTorch_state_dict_gives_the_same_logits(string name, string form)
    {
        if ((name, form) != ("resnet18", "nested"))
            Lane.NeedFull("another form of the same weights");
        Python.Need("torchvision");
        Python.Run(Script, folder, name, form);
        using var network = ModelZoo.Create(name, 7, imageSize: 96);
        var loaded = PretrainedWeights.Load(At("weights.pth"), network);
        Assert.True(loaded.IsComplete, loaded.Summary);
        Assert.Empty(loaded.Unused);
        if (form == "nested")
            Assert.Contains("under its key 'state_dict'; removed the prefix module.", loaded.Summary, StringComparison.Ordinal);
        network.eval();
        using var noGradient = no_grad();
        var logits = network.call(tensor(Floats("x.bin")).view(2, 3, 96, 96));
        var expected = tensor(Floats("y.bin")).view(2, 7);
        Assert.True(logits.sub(expected).abs().max().ToSingle() < 2e-5);
    }

    private float[] Floats(string name) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(At(name))).ToArray();

    // Writes a pickle into an archive as PyTorch does, with the values of one storage.
    private string Archive(byte[] pickle, byte[]? values = null, string name = "hostile.pth")
    {
        using var archive = new ZipArchive(File.Create(At(name)), ZipArchiveMode.Create);
        void Add(string entry, byte[] bytes)
        {
            using var stream = archive.CreateEntry($"archive/{entry}", CompressionLevel.NoCompression).Open();
            stream.Write(bytes);
        }
        Add("data.pkl", pickle);
        Add("byteorder", "little"u8.ToArray());
        Add("data/0", values ?? new byte[16]);
        return At(name);
    }

    private static byte[] Pickle(params object[] parts) => [.. parts.SelectMany(part => part switch
    {
        string text => Encoding.ASCII.GetBytes(text),
        byte[] bytes => bytes,
        int one => [(byte)one],
        _ => throw new ArgumentException("bytes or text"),
    })];

    private string Refused(string path)
    {
        using var network = ModelZoo.Create("resnet8", 10);
        return Assert.Throws<InputException>(() => PretrainedWeights.Load(path, network)).Message;
    }

    [Theory, InlineData("posix", "system"), InlineData("builtins", "eval"), InlineData("os", "popen"), InlineData("torch.nn.modules", "Linear"),
        InlineData("torch", "EvilStorage"), InlineData("argparse", "Namespace")]
    public void A_global_that_no_state_dict_needs_is_rejected_and_nothing_is_run(string module, string name)
    {
        var path = Archive(Pickle(0x80, 2, $"c{module}\n{name}\n", "(X", new byte[] { 4, 0, 0, 0 }, "true", "tR."));
        var message = Refused(path);
        Assert.Contains($"names {module}.{name}", message, StringComparison.Ordinal);
        Assert.Contains("torch.save(model.state_dict(), FILE)", message, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]> Contradictions => new()
    {
        { "nothing on the stack", Pickle(0x80, 2, "R.") },
        { "a mark that is not there", Pickle(0x80, 2, "}u.") },
        { "a memo that is not there", Pickle(0x80, 2, "h", 9, ".") },
        { "cut off", Pickle(0x80, 2, "}") },
        { "a text longer than the file", Pickle(0x80, 2, "X", new byte[] { 255, 255, 255, 127 }, "a.") },
        { "a number of a million digits", Pickle(0x80, 2, 0x8b, new byte[] { 64, 66, 15, 0 }, ".") },
        { "an operation of protocol 4", Pickle(0x80, 4, 0x8c, 1, "a", 0x94, ".") },
        { "no dictionary", Pickle(0x80, 2, "K", 1, ".") },
        { "an empty dictionary", Pickle(0x80, 2, "}.") },
        { "a list as a key", Pickle(0x80, 2, "}]K", 1, "s.") },
        { "lists in lists in lists", Pickle(0x80, 2, Enumerable.Repeat((object)"](e", 100_000).Append("e").ToArray() is var deep
            ? Pickle(deep) : [], ".") },
        { "memo bomb", Pickle([0x80, 2, "]q", 0, .. Enumerable.Range(0, 200).SelectMany(i =>
            new object[] { "(h", i, "h", i, "h", i, "lq", i + 1 }), "."]) },
    };

    [Theory, MemberData(nameof(Contradictions))]
    public void An_invalid_pickle_is_rejected(string what, byte[] pickle) =>
        Assert.EndsWith(".", Refused(Archive(pickle)) + (what.Length > 0 ? "" : "!"), StringComparison.Ordinal);

    // {"conv1.weight": rebuild(storage, offset, sizes, strides)}
    private static byte[] OneTensor(string type, int count, int offset, int[] sizes, int[] strides)
    {
        static byte[] Int(int value) => [(byte)'J', .. BitConverter.GetBytes(value)];
        static byte[] Text(string text) => [(byte)'X', .. BitConverter.GetBytes(text.Length), .. Encoding.ASCII.GetBytes(text)];
        static byte[] Tuple(int[] values) => [(byte)'(', .. values.SelectMany(Int), (byte)'t'];
        return Pickle(0x80, 2, "}", Text("conv1.weight"), "ctorch._utils\n_rebuild_tensor_v2\n(", "(", Text("storage"),
            $"ctorch\n{type}Storage\n", Text("0"), Text("cpu"), Int(count), "tQ", Int(offset), Tuple(sizes), Tuple(strides), 0x89,
            "ccollections\nOrderedDict\n)RtRs.");
    }

    [Theory]
    [InlineData("Float", 4, 0, new[] { 5 }, new[] { 1 }, "reaches beyond")]
    [InlineData("Float", 4, 1, new[] { 2, 2 }, new[] { 2, 1 }, "reaches beyond")]
    [InlineData("Float", 4, 0, new[] { int.MaxValue, int.MaxValue, int.MaxValue }, new[] { 0, 0, 0 }, "reaches beyond")]
    [InlineData("Float", 1_000_000_000, 0, new[] { 1 }, new[] { 1 }, "16 bytes for the 1000000000 values")]
    [InlineData("Float", 4, -1, new[] { 1 }, new[] { 1 }, "offset")]
    [InlineData("Float", 4, 0, new[] { 1 }, new[] { -1 }, "strides")]
    [InlineData("QInt8", 4, 0, new[] { 1 }, new[] { 1 }, "QInt8")]
    public void A_tensor_that_does_not_fit_its_storage_is_rejected(string type, int count, int offset, int[] sizes, int[] strides,
        string reason) => Assert.Contains(reason, Refused(Archive(OneTensor(type, count, offset, sizes, strides))), StringComparison.Ordinal);

    [Fact]
    public void A_tensor_with_strides_is_read_in_logical_order()
    {
        var values = new float[] { 1, 2, 3, 4, 5, 6 };
        var path = Archive(OneTensor("Float", 6, 0, [3, 2], [1, 3]), System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray());
        var read = TorchFile.LoadSome(path, names => names).Tensors["conv1.weight"];
        Assert.Equal([1f, 4, 2, 5, 3, 6], read.data<float>().ToArray());
    }

    [Fact]
    public void A_truncated_archive_and_an_old_pickle_are_refused()
    {
        var whole = File.ReadAllBytes(Archive(OneTensor("Float", 4, 0, [4], [1])));
        foreach (var length in new[] { 40, whole.Length / 2, whole.Length - 1 })
        {
            File.WriteAllBytes(At("cut.pth"), whole[..length]);
            Assert.Contains("cut.pth", Refused(At("cut.pth")), StringComparison.Ordinal);
        }
        File.WriteAllBytes(At("old.pth"), [.. Pickle(0x80, 2, 0x8a, 10), .. new byte[40]]);
        Assert.Contains("before 1.6", Refused(At("old.pth")), StringComparison.Ordinal);
    }

    // Only the pickle is damaged: in an archive a checksum would detect the damage.
    [Fact]
    public void Damaged_pickles_are_read_or_refused()
    {
        byte[][] valid = [OneTensor("Float", 4, 0, [2, 2], [2, 1]), OneTensor("Half", 6, 1, [5], [1])];
        byte[][] words = ["cposix\nsystem\n"u8.ToArray(), "R"u8.ToArray(), "b"u8.ToArray(), [0x8a, 255], "r\u0000\u0000\u0000\u007f"u8.ToArray()];
        var refused = Mutation.Refused<InvalidDataException>("damaged pickle", Mutation.Inputs, valid, words, 1 << 20,
            input => StateDictReader.Read(input, "damaged"));
        Assert.InRange(refused, Mutation.Inputs / 2, Mutation.Inputs);
    }

    [Fact]
    public void Damaged_archives_are_read_or_refused()
    {
        byte[][] valid = [File.ReadAllBytes(Archive(OneTensor("Float", 4, 0, [2, 2], [2, 1])))];
        var refused = Mutation.Refused<InvalidDataException>("damaged archive", Mutation.Inputs / 20, valid, ["PK"u8.ToArray()], 1 << 24, input =>
        {
            File.WriteAllBytes(At("damaged.pth"), input);
            foreach (var tensor in TorchFile.LoadSome(At("damaged.pth"), names => names).Tensors.Values)
                tensor.Dispose();
        });
        Assert.InRange(refused, Mutation.Inputs / 40, Mutation.Inputs);
    }
}
