namespace Patchwork.Formats;

/// <summary>
/// An ONNX file: one graph, its inputs and outputs, and what is written beside it. Field numbers are those of <c>onnx.proto3</c>, in which
/// the first dimension is called <c>batch</c>, and not left open: ML.NET takes an unnamed one to be 1.
/// </summary>
internal static class OnnxFile
{
    // A message of protocol buffers is smaller than 2 GiB; some bytes are for the graph.
    private const long LargestWeights = int.MaxValue - (64L << 20);

    /// <summary>The oldest and the newest set of operations that a file can ask for.</summary>
    public const int OldestOpset = 12, NewestOpset = 17;

    /// <summary>The file's bytes.</summary>
    /// <param name="graph">The operations and weights.</param>
    /// <param name="opset">Which set of operations is asked for: 12 to 17.</param>
    /// <param name="input">Name, type and shape behind the batch of the input.</param>
    /// <param name="outputs">Names and shapes behind the batch of the outputs, of float32.</param>
    /// <param name="notes">What is written beside the graph, by name.</param>
    /// <exception cref="InputException">The weights are too many for one file.</exception>
    public static byte[] Of(OnnxGraph graph, int opset, (string Name, OnnxType Type, long[] Shape) input,
        IReadOnlyList<(string Name, long[] Shape)> outputs, IEnumerable<KeyValuePair<string, string>> notes)
    {
        if (graph.WeightBytes > LargestWeights)
            throw new InputException($"An ONNX file holds weights of less than 2 GB. Received: {graph.WeightBytes / 1e9:F1} GB. Weights in "
                + "files of their own are not written.");
        var model = new ProtobufWriter();      // ModelProto
        model.Integer(1, opset < 15 ? 7 : 8);      // the version of the format that came with the operations
        model.String(2, "patchwork");
        model.String(3, typeof(OnnxFile).Assembly.GetName().Version!.ToString(3));
        model.Nested(7, body =>      // GraphProto
        {
            foreach (var node in graph.Nodes)
                body.Bytes(1, node.Message);
            body.String(2, "network");
            foreach (var weight in graph.Weights)
                body.Bytes(5, weight.Message);
            body.Nested(11, value => Describe(value, input.Name, input.Type, input.Shape, "IMAGE"));
            foreach (var (name, shape) in outputs)
                body.Nested(12, value => Describe(value, name, OnnxType.Single, shape));
        });
        model.Nested(8, set => set.Integer(2, opset));
        foreach (var (name, text) in notes)
            model.Nested(14, note =>
            {
                note.String(1, name);
                note.String(2, text);
            });
        return model.Message.ToArray();
    }

    // ValueInfoProto
    private static void Describe(ProtobufWriter value, string name, OnnxType type, long[] shape, string? denotation = null)
    {
        value.String(1, name);
        value.Nested(2, described =>
        {
            described.Nested(1, tensor =>
            {
                tensor.Integer(1, (long)type);
                tensor.Nested(2, sides =>
                {
                    sides.Nested(1, side => side.String(2, "batch"));
                    foreach (var length in shape)
                        sides.Nested(1, side => side.Integer(1, length));
                });
            });
            if (denotation is not null)
                described.String(6, denotation);
        });
    }
}
