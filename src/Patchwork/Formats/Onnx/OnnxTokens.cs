using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>The operations of transformers, on tokens (N, T, D).</summary>
public sealed partial class OnnxGraph
{
    /// <summary>The tokens (N, H·W, D) of a map (N, D, H, W), row by row.</summary>
    public OnnxValue Tokens(OnnxValue map) => Transpose(Reshape(map, map.Channels, 0, map.Channels, -1), 0, 2, 1);

    /// <summary>Puts a token of zeros before the tokens (N, T, D).</summary>
    public OnnxValue FirstToken(OnnxValue tokens) =>
        Node("Pad", [tokens, Integers([0, 1, 0, 0, 0, 0])], tokens.Channels, new OnnxAttribute("mode", "constant"));

    /// <summary>A linear layer on every token.</summary>
    public OnnxValue OfTokens(Linear layer, OnnxValue tokens)
    {
        var weight = Transpose(WeightOf(layer, "weight", layer.weight!), 1, 0);
        var product = Product(tokens, weight);
        return layer.bias is { } bias ? Add(product, WeightOf(layer, "bias", bias)) : product;
    }

    /// <summary>x·y, the product of the matrices in the last two axes.</summary>
    public OnnxValue Product(OnnxValue x, OnnxValue y) => Node("MatMul", [x, y], x.Channels);

    /// <summary>x·Φ(x), with the distribution function Φ of the normal distribution: the exact GELU.</summary>
    public OnnxValue Gelu(OnnxValue x)
    {
        var error = Node("Erf", [Scale(x, Math.Sqrt(0.5))], x.Channels);
        var gate = Scale(Add(error, Constant([1], [])), 0.5);
        return Node("Mul", [x, gate], x.Channels);
    }

    /// <summary>Reorders the axes.</summary>
    /// <param name="x">The value.</param>
    /// <param name="axes">For each axis of the result the axis of <paramref name="x"/>.</param>
    public OnnxValue Transpose(OnnxValue x, params long[] axes) => Node("Transpose", [x], x.Channels, new OnnxAttribute("perm", axes));

    /// <summary>Changes the shape; 0 keeps the side of that axis, -1 takes what is left.</summary>
    /// <param name="x">The value.</param>
    /// <param name="channels">Size of axis 1 of the result.</param>
    /// <param name="shape">The new shape.</param>
    public OnnxValue Reshape(OnnxValue x, int channels, params long[] shape) => Node("Reshape", [x, Integers(shape)], channels);

    /// <summary>Selects one position along an axis, which disappears.</summary>
    /// <param name="x">The value.</param>
    /// <param name="i">The position.</param>
    /// <param name="channels">Size of axis 1 of the result.</param>
    /// <param name="axis">The axis.</param>
    public OnnxValue Item(OnnxValue x, long i, int channels, long axis = 0) =>
        Node("Gather", [x, Store($"constant_{values++}", OnnxType.Int64, [], BitConverter.GetBytes(i))], channels,
            new OnnxAttribute("axis", axis));

    /// <summary>Adds a constant with the values of a tensor, as float32.</summary>
    public OnnxValue Constant(Tensor tensor)
    {
        using var stored = tensor.detach().to(ScalarType.Float32).cpu().contiguous();
        return Constant(stored.data<float>().ToArray(), tensor.shape);
    }

    // Written out, because ONNX has the operation itself only from opset 17 on.
    private OnnxValue LayerNorm(LayerNorm layer, OnnxValue x)
    {
        OnnxValue Mean(OnnxValue value) => Node("ReduceMean", [value], value.Channels, new OnnxAttribute("axes", new long[] { -1 }));
        var centered = Node("Sub", [x, Mean(x)], x.Channels);
        var variance = Mean(Node("Mul", [centered, centered], x.Channels));
        var deviation = Node("Sqrt", [Add(variance, Constant([(float)layer.eps], []))], x.Channels);
        var scaled = Node("Mul", [Node("Div", [centered, deviation], x.Channels), WeightOf(layer, "weight", layer.weight!)], x.Channels);
        return Add(scaled, WeightOf(layer, "bias", layer.bias!));
    }
}
