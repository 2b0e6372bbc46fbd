using Google.Protobuf;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>An operation of an ONNX graph.</summary>
/// <param name="Operator">Its type, such as <c>Conv</c>.</param>
/// <param name="Inputs">Names of its inputs, including weights.</param>
internal sealed record OnnxNode(string Operator, IReadOnlyList<string> Inputs);

/// <summary>
/// The weights of an ONNX file: the initializers of its graph, by name, and the operations that take them. The graph itself is not run.
/// Field numbers are those of <c>onnx.proto3</c>.
/// </summary>
internal sealed class OnnxWeights
{
    private readonly Dictionary<string, Initializer> initializers = new(StringComparer.Ordinal);
    private readonly List<OnnxNode> nodes = [];
    private readonly string path;
    private bool isModel;

    private OnnxWeights(string path) => this.path = path;

    /// <summary>The operations, in their order.</summary>
    public IReadOnlyList<OnnxNode> Nodes => nodes;

    /// <summary>Names of the weights.</summary>
    public IEnumerable<string> Names => initializers.Keys;

    /// <summary>Reads a file; weights stay bytes until they are requested.</summary>
    /// <exception cref="InvalidDataException">The file is not an ONNX model, or is damaged.</exception>
    public static OnnxWeights Read(string path)
    {
        var weights = new OnnxWeights(path);
        try
        {
            using var stream = File.OpenRead(path);
            using var input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, 100);
            weights.ReadModel(input);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new InvalidDataException($"{path} is a damaged ONNX file ({error.Message.TrimEnd('.')})", error);
        }
        return weights.isModel ? weights : throw new InvalidDataException($"{path} is not an ONNX model: it has no graph");
    }

    /// <summary>The weights with a name, in a new tensor on the CPU, not in a dispose scope; the caller owns it.</summary>
    /// <exception cref="InvalidDataException">
    /// There are none of this name, they are stored outside of the file, or their type is not supported.
    /// </exception>
    public Tensor this[string name] => !initializers.TryGetValue(name, out var weight)
        ? throw new InvalidDataException($"{path} has no weights {name}")
        : !weight.IsOutside ? weight.ToTensor(path)
        : throw new InvalidDataException($"the weights {name} of {path} are stored in another file, which is not supported; "
            + "save the model as one file");

    // ModelProto: 7 is the graph.
    private void ReadModel(CodedInputStream input)
    {
        while (input.ReadTag() is > 0 and var tag)
        {
            if (tag == Message(7))
            {
                isModel = true;
                foreach (var (field, bytes) in Fields(input.ReadBytes()))
                    ReadGraph(field, bytes);
            }
            else
                input.SkipLastField();
        }
    }

    // GraphProto: 1 a node, 5 an initializer.
    private void ReadGraph(uint tag, ByteString bytes)
    {
        if (tag == Message(5) && Initializer.Of(bytes) is { Name.Length: > 0 } weight)
            initializers[weight.Name] = weight;
        else if (tag == Message(1))
        {
            var (inputs, type) = (new List<string>(), "");
            foreach (var (field, value) in Fields(bytes))      // NodeProto: 1 an input, 4 the operator
            {
                if (field == Message(1))
                    inputs.Add(value.ToStringUtf8());
                else if (field == Message(4))
                    type = value.ToStringUtf8();
            }
            nodes.Add(new(type, inputs));
        }
    }

    // The length-delimited fields of a message.
    private static IEnumerable<(uint Tag, ByteString Bytes)> Fields(ByteString message)
    {
        using var input = message.CreateCodedInput();
        while (input.ReadTag() is > 0 and var tag)
        {
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                yield return (tag, input.ReadBytes());
            else
                input.SkipLastField();
        }
    }

    private static uint Message(int field) => WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited);

    // TensorProto: 1 sizes, 2 type, 4 floats, 5 and 7 whole numbers, 8 name, 9 raw values, 10 doubles, 14 where the values are.
    private sealed class Initializer
    {
        private static readonly Dictionary<int, ScalarType> Types = new()
        {
            [1] = ScalarType.Float32,
            [2] = ScalarType.Byte,
            [3] = ScalarType.Int8,
            [5] = ScalarType.Int16,
            [6] = ScalarType.Int32,
            [7] = ScalarType.Int64,
            [9] = ScalarType.Bool,
            [10] = ScalarType.Float16,
            [11] = ScalarType.Float64,
            [16] = ScalarType.BFloat16,
        };

        private readonly List<long> sizes = [], whole = [];
        private readonly List<float> floats = [];
        private readonly List<double> doubles = [];
        private ByteString raw = ByteString.Empty;
        private int type;

        public string Name { get; private set; } = "";

        public bool IsOutside { get; private set; }

        public static Initializer Of(ByteString bytes)
        {
            var one = new Initializer();
            using var input = bytes.CreateCodedInput();
            while (input.ReadTag() is > 0 and var tag)
                one.Read(input, tag);
            return one;
        }

        private void Read(CodedInputStream input, uint tag)
        {
            var packed = WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited;
            void Numbers(Action<CodedInputStream> add)
            {
                if (!packed)
                {
                    add(input);
                    return;
                }
                using var inner = input.ReadBytes().CreateCodedInput();
                while (!inner.IsAtEnd)
                    add(inner);
            }
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case 1:
                    Numbers(from => sizes.Add(from.ReadInt64()));
                    break;
                case 2:
                    type = input.ReadInt32();
                    break;
                case 4:
                    Numbers(from => floats.Add(from.ReadFloat()));
                    break;
                case 5 or 7:      // int32_data too: a varint is a varint
                    Numbers(from => whole.Add(from.ReadInt64()));
                    break;
                case 8 when packed:
                    Name = input.ReadString();
                    break;
                case 9 when packed:
                    raw = input.ReadBytes();
                    break;
                case 10:
                    Numbers(from => doubles.Add(from.ReadDouble()));
                    break;
                case 14:
                    IsOutside = input.ReadInt32() == 1;
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        public Tensor ToTensor(string path)
        {
            if (!Types.TryGetValue(type, out var known))
                throw new InvalidDataException($"the weights {Name} of {path} have the ONNX type {type}, which is not supported");
            var count = sizes.Any(size => size < 0) ? -1 : sizes.Aggregate(1.0, (product, size) => product * size);
            using var values = raw.Length > 0 ? null
                : floats.Count > 0 ? tensor(floats) : doubles.Count > 0 ? tensor(doubles) : whole.Count > 0 ? tensor(whole) : null;
            if (values is not null && whole.Count > 0 && known is ScalarType.Float16 or ScalarType.BFloat16)
                throw new InvalidDataException($"the weights {Name} of {path} are 16-bit numbers in a list, which is not supported; "
                    + "save them as raw data, as PyTorch does");
            if (count != (values?.numel() ?? (double)raw.Length / SafetensorsType.Bytes(known)))
                throw new InvalidDataException($"the weights {Name} of {path} do not have the number of values that their shape requires");
            if (values is not null)
            {
                using var typed = values.to(known, copy: true);
                return typed.reshape([.. sizes]).DetachFromDisposeScope();
            }
            var filled = empty([.. sizes], known, CPU).DetachFromDisposeScope();
            raw.Span.CopyTo(filled.bytes);
            return filled;
        }
    }
}
