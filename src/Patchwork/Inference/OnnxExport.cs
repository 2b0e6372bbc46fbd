using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Reporting;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>
/// Exports a trained network as one ONNX file for any runtime. The file normalizes the pixels, turns logits into probabilities, and names
/// the classes. Images are decoded, cropped and resized outside, as the card in the file says.
/// </summary>
/// <remarks>
/// <para>The input is called <c>input</c>, the outputs <c>logits</c> and <c>probabilities</c>, each (batch, K). Probabilities are a softmax
/// at the card's temperature, or a sigmoid for images with several labels. The batch may have any size.</para>
/// <para>The metadata holds <c>patchwork.card</c> (the <see cref="ModelCard"/> as JSON, with the kind of input) and the entries that tell
/// Windows ML and other runtimes how to interpret pixels.</para>
/// </remarks>
public sealed record OnnxExport
{
    /// <summary>The key of the card in the file's metadata.</summary>
    public const string CardKey = "patchwork.card";

    /// <summary>The input of the file. Default <see cref="OnnxInput.Pixels"/>.</summary>
    public OnnxInput Input { get; init; } = OnnxInput.Pixels;

    /// <summary>
    /// The operator set that the file requires. Range 12 to 17. Default 17; 12 is the newest that Windows ML on Windows 11 supports.
    /// </summary>
    public int Opset
    {
        get;
        init => field = value is >= OnnxFile.OldestOpset and <= OnnxFile.NewestOpset ? value
            : throw new InputException($"The opset of an ONNX file must be {OnnxFile.OldestOpset} to {OnnxFile.NewestOpset}. Received: "
                + $"{value}.");
    } = OnnxFile.NewestOpset;

    /// <summary>Exports a network in evaluation mode and returns the bytes of the file.</summary>
    /// <param name="network">
    /// A network of the catalogue, of TorchSharp's layers in a <c>Sequential</c>, or one that implements <see cref="IOnnxLayer"/>; from (N,
    /// C, H, W) to (N, K). It is left unchanged.
    /// </param>
    /// <param name="card">Its input and classes.</param>
    /// <exception cref="InputException">A layer has no counterpart in ONNX, or there are not as many logits as classes.</exception>
    public byte[] Of(nn.Module<Tensor, Tensor> network, ModelCard card)
    {
        using var noGradient = no_grad();
        var graph = new OnnxGraph(network) { Height = card.Height, Width = card.Width };
        var logits = graph.Through(network, Images(graph, card));
        if (logits.Channels != card.Classes.Count)
            throw new InputException($"A network must have one logit for each of its {card.Classes.Count} classes. Received: "
                + $"{logits.Channels}.");
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

    /// <summary>Writes the file atomically.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="network">As for <see cref="Of"/>.</param>
    /// <param name="card">As for <see cref="Of"/>.</param>
    /// <exception cref="InputException">As for <see cref="Of"/>, or the file cannot be written.</exception>
    public void Write(string path, nn.Module<Tensor, Tensor> network, ModelCard card) => OutputFile.Write(path, Of(network, card));

    // Images as the network expects them, (N, C, H, W): from pixels (N, H, W, C), 0 to 255, minus the mean and divided by the standard
    // deviation.
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

/// <summary>The input of an ONNX file.</summary>
public enum OnnxInput
{
    /// <summary>
    /// Pixels as decoders return them: uint8 (batch, height, width, C), row by row, with interleaved red, green and blue, or gray only. The
    /// file normalizes them.
    /// </summary>
    Pixels,

    /// <summary>Images as the network expects them: float32 (batch, C, height, width), normalized.</summary>
    Normalized,
}
