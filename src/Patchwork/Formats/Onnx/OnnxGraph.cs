using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>
/// The graph of a network in ONNX, written operation by operation (https://onnx.ai/onnx/operators). Weights have the names of the network's
/// state dict. Every operation here has the same meaning in opsets 12 to 17 and later.
/// </summary>
public sealed partial class OnnxGraph
{
    private readonly Dictionary<nn.Module, string> names = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> stored = new(StringComparer.Ordinal);
    private int values;

    /// <summary>Creates an empty graph for a network; layers keep their names in the network.</summary>
    internal OnnxGraph(nn.Module network)
    {
        foreach (var (name, module) in network.named_modules())
            names.TryAdd(module, name);
    }

    /// <summary>Height of the images in pixels; 0 if the graph is for images of any size.</summary>
    public int Height { get; init; }

    /// <summary>Width of the images in pixels; 0 if the graph is for images of any size.</summary>
    public int Width { get; init; }

    /// <summary>The nodes, as <c>NodeProto</c>, in their order.</summary>
    internal List<ProtobufWriter> Nodes { get; } = [];

    /// <summary>The weights, as <c>TensorProto</c>.</summary>
    internal List<ProtobufWriter> Weights { get; } = [];

    /// <summary>Size of the weights, in bytes.</summary>
    internal long WeightBytes { get; private set; }

    /// <summary>
    /// Adds a layer of the network: one that implements <see cref="IOnnxLayer"/>, or one of TorchSharp's (convolution in two dimensions,
    /// batch norm, layer norm, linear, ReLU, pooling, flatten, dropout, identity, sequential). Null returns the input.
    /// </summary>
    /// <exception cref="InputException">
    /// The layer is of another kind, or pads with values other than zero. The message names it.
    /// </exception>
    public OnnxValue Through(nn.Module? layer, OnnxValue x) => layer switch
    {
        null or Identity or Dropout or Dropout2d => x,
        IOnnxLayer own => own.Write(this, x),
        Sequential all => all.named_children().Aggregate(x, (value, child) => Through(child.module, value)),
        Conv2d { padding_mode: PaddingModes.Zeros, padding_type: null, transposed: false } convolution => Convolution(convolution, x),
        BatchNorm2d { track_running_stats: true } norm => BatchNorm(norm, x),
        Linear linear => Linear(linear, x),
        LayerNorm norm => LayerNorm(norm, x),
        ReLU => Relu(x),
        MaxPool2d pool => Pool("MaxPool", pool.kernel_size!, pool.stride, pool.padding, pool.ceil_mode, x,
            new OnnxAttribute("dilations", Both(pool.dilation ?? [1], 2))),
        AvgPool2d { divisor_override: null } pool => Pool("AveragePool", pool.kernel_size!, pool.stride, pool.padding, pool.ceil_mode, x,
            new OnnxAttribute("count_include_pad", pool.count_include_pad ? 1L : 0L)),
        AdaptiveAvgPool2d { output_size: [1, 1] or [1] } => Node("GlobalAveragePool", [x], x.Channels),
        Flatten { start_dim: 1, end_dim: -1 } => Flatten(x),
        _ => throw new InputException($"A network must consist of layers that the ONNX export supports. Received: {NameOf(layer)}, a "
            + $"{layer.GetType().Name}. Implement {nameof(IOnnxLayer)} in it."),
    };

    /// <summary>max(x, 0).</summary>
    public OnnxValue Relu(OnnxValue x) => Node("Relu", [x], x.Channels);

    /// <summary>x + y, which must have the same shape.</summary>
    public OnnxValue Add(OnnxValue x, OnnxValue y) => Node("Add", [x, y], x.Channels);

    /// <summary>x times a number; x itself if the number is 1.</summary>
    public OnnxValue Scale(OnnxValue x, double factor) => factor == 1 ? x : Node("Mul", [x, Constant([(float)factor], [])], x.Channels);

    /// <summary>The mean over all positions, (N, C, H, W) to (N, C).</summary>
    public OnnxValue Mean(OnnxValue x) => Flatten(Node("GlobalAveragePool", [x], x.Channels));

    /// <summary>
    /// The mean over windows of <paramref name="size"/>² pixels, side by side; windows that extend over the bottom or right edge average
    /// only the pixels inside.
    /// </summary>
    public OnnxValue AveragePool(OnnxValue x, int size) =>
        Pool("AveragePool", [size, size], [size, size], [0, 0], ceil: true, x, new OnnxAttribute("count_include_pad", 0L));

    /// <summary>Appends channels of zeros to (N, C, H, W), up to <paramref name="channels"/>.</summary>
    public OnnxValue PadChannels(OnnxValue x, int channels) => channels == x.Channels ? x
        : Node("Pad", [x, Integers([0, 0, 0, 0, 0, channels - x.Channels, 0, 0])], channels, new OnnxAttribute("mode", "constant"));

    /// <summary>Adds any operation of ONNX.</summary>
    /// <param name="type">Its type in ONNX's own domain, such as <c>Sigmoid</c>.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="channels">Size of axis 1 of its output.</param>
    /// <param name="attributes">Its attributes.</param>
    public OnnxValue Node(string type, IReadOnlyList<OnnxValue> inputs, int channels, params OnnxAttribute[] attributes) =>
        Named($"{type.ToLowerInvariant()}_{values++}", type, inputs, channels, attributes);

    /// <summary>Adds a constant: float32 values, row-major.</summary>
    /// <param name="numbers">The values.</param>
    /// <param name="shape">Their shape; empty for a single number.</param>
    public OnnxValue Constant(ReadOnlySpan<float> numbers, ReadOnlySpan<long> shape) =>
        Store($"constant_{values++}", OnnxType.Single, shape, MemoryMarshal.AsBytes(numbers));

    /// <summary>Adds an operation whose output has a given name.</summary>
    internal OnnxValue Named(string output, string type, IReadOnlyList<OnnxValue> inputs, int channels,
        params OnnxAttribute[] attributes)
    {
        var node = new ProtobufWriter();      // NodeProto
        foreach (var input in inputs)
            node.String(1, input.Name);
        node.String(2, output);
        node.String(3, output);
        node.String(4, type);
        foreach (var (name, value) in attributes)
            node.Nested(5, attribute => Write(attribute, name, value));
        Nodes.Add(node);
        return new(output, channels);
    }

    // AttributeProto: 1 the name, 20 the kind of value.
    private static void Write(ProtobufWriter attribute, string name, object value)
    {
        attribute.String(1, name);
        switch (value)
        {
            case float number:
                attribute.Single(2, number);
                attribute.Integer(20, 1);
                break;
            case long number:
                attribute.Integer(3, number);
                attribute.Integer(20, 2);
                break;
            case string text:
                attribute.String(4, text);
                attribute.Integer(20, 3);
                break;
            case long[] numbers:
                foreach (var number in numbers)
                    attribute.Integer(8, number);
                attribute.Integer(20, 7);
                break;
            default:
                throw new ArgumentException($"An attribute must be a long, float, string or array of long. Received: {name}, a "
                    + $"{value.GetType()}.");
        }
    }

    private OnnxValue Convolution(Conv2d layer, OnnxValue x) =>
        Node("Conv", [x, .. WeightsOf(layer, layer.weight!, layer.bias)], (int)layer.out_channels,
            new OnnxAttribute("kernel_shape", layer.kernel_size), new OnnxAttribute("strides", layer.stride),
            new OnnxAttribute("pads", Both(layer.padding!)), new OnnxAttribute("dilations", layer.dilation),
            new OnnxAttribute("group", layer.groups));

    private OnnxValue BatchNorm(BatchNorm2d layer, OnnxValue x)
    {
        using var one = layer.affine ? null : ones_like(layer.running_mean!);
        using var zero = layer.affine ? null : zeros_like(layer.running_mean!);
        return Node("BatchNormalization",
            [x, WeightOf(layer, "weight", one ?? layer.weight!), WeightOf(layer, "bias", zero ?? layer.bias!),
                WeightOf(layer, "running_mean", layer.running_mean!), WeightOf(layer, "running_var", layer.running_var!)],
            x.Channels, new OnnxAttribute("epsilon", (float)layer.eps));
    }

    private OnnxValue Linear(Linear layer, OnnxValue x) =>
        Node("Gemm", [x, .. WeightsOf(layer, layer.weight!, layer.bias)], (int)layer.out_features, new OnnxAttribute("transB", 1L));

    private OnnxValue Flatten(OnnxValue x) => Node("Flatten", [x], x.Channels, new OnnxAttribute("axis", 1L));

    private OnnxValue Pool(string type, long[] size, long[]? stride, long[]? padding, bool ceil, OnnxValue x, OnnxAttribute own) =>
        Node(type, [x], x.Channels, new OnnxAttribute("kernel_shape", Both(size, 2)),
            new OnnxAttribute("strides", Both(stride ?? size, 2)), new OnnxAttribute("pads", Both(padding ?? [0])),
            new OnnxAttribute("ceil_mode", ceil ? 1L : 0L), own);

    // One number applies to both axes; ONNX lists the pads at the start and at the end of each axis.
    private static long[] Both(long[] sides, int count = 4) => [.. Enumerable.Range(0, count).Select(i => sides[i % sides.Length])];

    private OnnxValue[] WeightsOf(nn.Module layer, Tensor weight, Tensor? bias) =>
        bias is null ? [WeightOf(layer, "weight", weight)] : [WeightOf(layer, "weight", weight), WeightOf(layer, "bias", bias)];

    private OnnxValue WeightOf(nn.Module layer, string name, Tensor weight)
    {
        var full = $"{NameOf(layer)}.{name}";
        if (stored.Contains(full))      // a layer that is used twice
            return new(full, (int)weight.size(0));
        using var values = weight.detach().to(ScalarType.Float32).cpu().contiguous();
        return Store(full, OnnxType.Single, weight.shape, values.bytes);
    }

    private OnnxValue Integers(long[] numbers) => Store($"constant_{values++}", OnnxType.Int64, [numbers.Length],
        MemoryMarshal.AsBytes<long>(numbers));

    // TensorProto: 1 the sizes, 2 the type, 8 the name, 9 the values as they are in memory, little-endian.
    private OnnxValue Store(string name, OnnxType type, ReadOnlySpan<long> shape, ReadOnlySpan<byte> bytes)
    {
        var tensor = new ProtobufWriter();
        foreach (var side in shape)
            tensor.Integer(1, side);
        tensor.Integer(2, (long)type);
        tensor.String(8, name);
        tensor.Bytes(9, bytes);
        Weights.Add(tensor);
        stored.Add(name);
        WeightBytes += bytes.Length;
        return new(name, shape.IsEmpty ? 1 : (int)shape[0]);
    }

    private string NameOf(nn.Module layer) => names.GetValueOrDefault(layer) is { Length: > 0 } name ? name : layer.GetName();
}

/// <summary>An attribute of an operation.</summary>
/// <param name="Name">Its name in the operation's definition.</param>
/// <param name="Value">A <c>long</c>, <c>float</c>, <c>string</c>, or array of <c>long</c>.</param>
public readonly record struct OnnxAttribute(string Name, object Value);

/// <summary>Types of values, by their numbers in <c>TensorProto</c>.</summary>
internal enum OnnxType
{
    Single = 1,
    UInt8 = 2,
    Int64 = 7,
}
