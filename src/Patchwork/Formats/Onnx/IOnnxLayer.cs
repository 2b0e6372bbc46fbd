namespace Patchwork.Formats;

/// <summary>
/// A module that can write its operations to an ONNX graph. Custom networks that only chain TorchSharp's layers (<c>Sequential</c>) do not
/// need it; those with their own forward pass implement it.
/// </summary>
public interface IOnnxLayer
{
    /// <summary>Adds the operations that the module's <c>forward</c> performs in evaluation mode.</summary>
    /// <param name="graph">The graph to add the operations to.</param>
    /// <param name="x">The input of <c>forward</c>.</param>
    /// <returns>The output of <c>forward</c>.</returns>
    OnnxValue Write(OnnxGraph graph, OnnxValue x);
}

/// <summary>A value in an ONNX graph: an input, or the output of an operation.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Channels">Size of axis 1, of (N, C, H, W) or (N, C).</param>
public readonly record struct OnnxValue(string Name, int Channels);
