namespace Patchwork.Formats;

/// <summary>
/// A module that writes its operations in ONNX, beside its <c>forward</c>. Networks of your own that are made of TorchSharp's layers one
/// after another (<c>Sequential</c>) need none; those with a forward pass of their own implement it.
/// </summary>
public interface IOnnxLayer
{
    /// <summary>Adds what the module does in evaluation, as its <c>forward</c> does it.</summary>
    /// <param name="graph">Where the operations go.</param>
    /// <param name="x">What <c>forward</c> gets.</param>
    /// <returns>What <c>forward</c> gives back.</returns>
    OnnxValue Write(OnnxGraph graph, OnnxValue x);
}

/// <summary>A value in an ONNX graph: an input, or what an operation puts out.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Channels">Size of axis 1, of (N, C, H, W) or (N, C).</param>
public readonly record struct OnnxValue(string Name, int Channels);
