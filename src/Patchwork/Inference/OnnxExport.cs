using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Reporting;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>
/// A trained network as one ONNX file that any runtime runs: what normalizes the pixels and makes probabilities of the logits is inside,
/// and so are the classes. Pictures are decoded, cropped and resized outside, as the card in the file says.
/// </summary>
/// <remarks>
/// <para>The input is called <c>input</c>, the outputs <c>logits</c> and <c>probabilities</c>, each (batch, K): a softmax, or of several
/// labels a sigmoid; the softmax at the card's temperature. The batch may have any size.</para>
/// <para>Beside the graph stand, as metadata, <c>patchwork.card</c> (the <see cref="ModelCard"/> as JSON, with the kind of input) and the
/// entries by which Windows ML and others know how pixels are meant.</para>
/// </remarks>
public sealed record OnnxExport
{
    /// <summary>Under which name the card stands in the file's metadata.</summary>
    public const string CardKey = "patchwork.card";

    /// <summary>What the file takes. Default <see cref="OnnxInput.Pixels"/>.</summary>
    public OnnxInput Input { get; init; } = OnnxInput.Pixels;

    /// <summary>
    /// The set of operations that the file asks for. Range 12 to 17. Default 17; 12 is the newest that the Windows ML of Windows 11 takes.
    /// </summary>
    public int Opset
    {
        get;
        init => field = value is >= OnnxFile.OldestOpset and <= OnnxFile.NewestOpset ? value
            : throw new InputException($"The opset of an ONNX file is {OnnxFile.OldestOpset} to {OnnxFile.NewestOpset}. "
                + $"Received: {value}.");
    } = OnnxFile.NewestOpset;

    /// <summary>The file's bytes, of the network as it is in evaluation.</summary>
    /// <param name="network">
    /// A network of the catalogue, of TorchSharp's layers in a <c>Sequential</c>, or one that implements <see cref="IOnnxLayer"/>; from
    /// (N, C, H, W) to (N, K). It is left as it was.
    /// </param>
    /// <param name="card">Its input and classes.</param>
    /// <exception cref="InputException">A layer has no counterpart in ONNX, or there are not as many logits as classes.</exception>
    public byte[] Of(nn.Module<Tensor, Tensor> network, ModelCard card)
    {
        using var noGradient = no_grad();
        var graph = new OnnxGraph(network);
        var logits = graph.Through(network, Images(graph, card));
        if (logits.Channels != card.Classes.Count)
            throw new InputException($"A network has a logit for each of its {card.Classes.Count} classes. Received: {logits.Channels}.");
        logits = graph.Named("logits", "Identity", [logits], logits.Channels);
        if (card.MultiLabel)
            graph.Named("probabilities", "Sigmoid", [logits], logits.Channels);
        else
        {
            var scaled = card.Temperature is { } temperature
                ? graph.Node("Div", [logits, graph.Constant([(float)temperature], [1])], logits.Channels) : logits;
            graph.Named("probabilities", "Softmax", [scaled], logits.Channels, new OnnxAttribute("axis", 1L));
        }
        return OnnxFile.Of(graph, Opset, Input == OnnxInput.Pixels ? ("input", OnnxType.UInt8, [card.Height, card.Width, card.Channels])
            : ("input", OnnxType.Single, [card.Channels, card.Height, card.Width]),
            [("logits", [card.Classes.Count]), ("probabilities", [card.Classes.Count])], Notes(card));
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <param name="path">Where.</param>
    /// <param name="network">As for <see cref="Of"/>.</param>
    /// <param name="card">As for <see cref="Of"/>.</param>
    /// <exception cref="InputException">As for <see cref="Of"/>, or the file cannot be written.</exception>
    public void Write(string path, nn.Module<Tensor, Tensor> network, ModelCard card) => OutputFile.Write(path, Of(network, card));

    // Images as the network takes them, (N, C, H, W): of pixels (N, H, W, C), 0 to 255, less the mean and over the deviation.
    private OnnxValue Images(OnnxGraph graph, ModelCard card)
    {
        var input = new OnnxValue("input", card.Channels);
        if (Input == OnnxInput.Normalized)
            return input;
        OnnxValue OfChannels(IReadOnlyList<float> values) =>
            graph.Constant([.. values.Select(value => 255 * value)], [1, card.Channels, 1, 1]);
        var pixels = graph.Node("Cast", [input], card.Channels, new OnnxAttribute("to", (long)OnnxType.Single));
        var planes = graph.Node("Transpose", [pixels], card.Channels, new OnnxAttribute("perm", new long[] { 0, 3, 1, 2 }));
        var centered = graph.Node("Sub", [planes, OfChannels(card.Mean)], card.Channels);
        return graph.Node("Div", [centered, OfChannels(card.StandardDeviation)], card.Channels);
    }

    private Dictionary<string, string> Notes(ModelCard card)
    {
        var written = JsonNode.Parse(card.ToJson())!.AsObject();
        written["input"] = Input == OnnxInput.Pixels ? "pixels" : "normalized";
        Dictionary<string, string> notes = new() { [CardKey] = written.ToJsonString() };
        if (Input == OnnxInput.Pixels)
        {
            notes["Image.BitmapPixelFormat"] = card.Channels == 1 ? "Gray8" : "Rgb8";
            notes["Image.ColorSpaceGamma"] = "SRGB";
            notes["Image.NominalPixelRange"] = "NominalRange_0_255";
        }
        return notes;
    }
}

/// <summary>What an ONNX file takes.</summary>
public enum OnnxInput
{
    /// <summary>
    /// Pixels as decoders give them: uint8 (batch, height, width, C), row by row, red, green and blue side by side, or grey alone. They are
    /// normalized inside.
    /// </summary>
    Pixels,

    /// <summary>Images as the network takes them: float32 (batch, C, height, width), normalized.</summary>
    Normalized,
}
