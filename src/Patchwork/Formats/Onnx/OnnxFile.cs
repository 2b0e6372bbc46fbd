namespace Patchwork.Formats;

/// <summary>
/// Writes an ONNX file: one graph, its inputs and outputs, and its metadata. Field numbers are those of <c>onnx.proto3</c>. The first
/// dimension is named <c>batch</c>, because ML.NET treats an unnamed dimension as 1.
/// </summary>
internal static class OnnxFile
{
    // A protocol buffer message must be smaller than 2 GiB; some bytes are reserved for the graph.
    private const long LargestWeights = int.MaxValue - (64L << 20);

    /// <summary>The oldest and the newest opset that a file can declare.</summary>
    public const int OldestOpset = 12, NewestOpset = 17;

    /// <summary>Encodes the file.</summary>
    /// <param name="graph">The operations and weights.</param>
    /// <param name="opset">The opset that the file declares: 12 to 17.</param>
    /// <param name="input">Name, type and shape of the input, without the batch dimension.</param>
    /// <param name="outputs">Names and shapes of the outputs, without the batch dimension; their type is float32.</param>
    /// <param name="notes">The metadata, by name.</param>
    /// <exception cref="InputException">The weights are too large for one file.</exception>
    public static byte[] Of(OnnxGraph graph, int opset, (string Name, OnnxType Type, long[] Shape) input,
        IReadOnlyList<(string Name, long[] Shape)> outputs, IEnumerable<KeyValuePair<string, string>> notes)
    {
        if (graph.WeightBytes > LargestWeights)
            throw new InputException($"The weights of an ONNX file must be less than 2 GB. Received: {graph.WeightBytes / 1e9:F1} GB. "
                + "Weights in separate files are not supported.");
        var model = new ProtobufWriter();      // ModelProto
        model.Integer(1, opset < 15 ? 7 : 8);      // the version of the format that came with the opset
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
