using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Reporting;
using Patchwork.Saliency;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>Shows what a network looked at in an image, with the image as the network received it.</summary>
/// <param name="Picture">The network's input, as pixels.</param>
/// <param name="Activation">Class, probability, map and box, all in pixels of <paramref name="Picture"/>.</param>
public sealed record Explanation(Picture Picture, Activation Activation)
{
    /// <summary>
    /// Explains a network's answer: the class activation map of its last features (Zhou et al., CVPR 2016), a transformer's attention
    /// (<see cref="AttentionMap"/>, which does not depend on the class), or Grad-CAM at a layer; and the box with which the CutMix
    /// paper finds objects, around the largest contour above 0.15 of the maximum.
    /// </summary>
    /// <param name="model">The network; run in evaluation mode and left as it was.</param>
    /// <param name="image">One image (1, C, H, W), normalized, C of 1 or 3, on the network's device; the caller keeps ownership.</param>
    /// <param name="normalization">The normalization of the image.</param>
    /// <param name="classes">The K classes' names, in the order of the logits.</param>
    /// <param name="label">The class to explain, 0 to K - 1; null, the default: the predicted one.</param>
    /// <param name="layer">The layer for Grad-CAM, such as <c>layer2</c>; null, the default: class activation map or attention.</param>
    /// <param name="multiLabel">True if each class has its own probability, from a sigmoid. Default false: from a softmax.</param>
    /// <param name="temperature">The value that the logits are divided by before the softmax; above 0. Default 1.</param>
    /// <exception cref="InputException">The network has no such layer, or no layer from which a map can be made.</exception>
    public static Explanation Of(nn.Module<Tensor, Tensor> model, Tensor image, Normalization normalization, IReadOnlyList<string> classes,
        int? label = null, string? layer = null, bool multiLabel = false, double temperature = 1)
    {
        using var scope = NewDisposeScope();
        var probabilities = Probabilities(Logits(model, image), multiLabel, temperature);
        var asked = label ?? Array.IndexOf(probabilities, probabilities.Max());
        var picture = Picture.FromBatch(NormalizedPictures.Restore(image, normalization))[0];
        var values = Map(model, image, asked, layer).to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        var map = new HeatMap(picture.Height, picture.Width, values);
        var contours = new Contours(values, map.Height, map.Width).At(MapBoxes.PaperThreshold);
        var box = contours.Count == 0 ? Box.Empty : contours.MaxBy(contour => contour.Area).Box.ToBox();
        return new(picture, new Activation(classes[asked], probabilities[asked], map, box)
        {
            Layer = layer,
            IsAttention = layer is null && model is IAttentive,
        });
    }

    /// <summary>Draws the sheet: original, heat map, overlay and box.</summary>
    /// <param name="name">The caption below the original, such as its file name.</param>
    public ActivationSheet Sheet(string name) => new()
    {
        Title = (Activation.IsAttention ? "Attention, and the answer" : "Evidence for")
            + FormattableString.Invariant($" {Activation.Class} ({100 * Activation.Probability:0.0} %)"),
        Subtitle = FormattableString.Invariant($"The box encloses the largest region above {MapBoxes.PaperThreshold} of the maximum."),
        Networks = [""],
        Rows = [new ActivationRow(Picture, name, [Activation])],
        Stages = true,
    };

    /// <summary>Probabilities (N · K) of logits (N, K): a softmax at a temperature, or a sigmoid for each class.</summary>
    internal static double[] Probabilities(Tensor logits, bool multiLabel, double temperature)
    {
        using var scope = NewDisposeScope();
        var precise = logits.to(ScalarType.Float64).cpu();
        return (multiLabel ? precise.sigmoid() : (precise / Held(temperature)).softmax(1)).data<double>().ToArray();
    }

    private static Tensor Logits(nn.Module<Tensor, Tensor> model, Tensor image)
    {
        using var mode = new EvaluationMode(model);
        using var noGradient = no_grad();
        return model.call(image);
    }

    private static Tensor Map(nn.Module<Tensor, Tensor> model, Tensor image, int label, string? layer)
    {
        var classes = tensor(new long[] { label }, device: image.device);
        try
        {
            return layer is not null ? GradCam.Of(model, image, classes, layer)
                : model is IAttentive ? AttentionMap.Scaled(model, image) : ClassActivation.Scaled(model, image, classes);
        }
        catch (ArgumentException error)
        {
            throw new InputException($"{error.Message} Name {(layer is null ? "a layer, for its Grad-CAM" : "another layer")}.", error);
        }
    }
}
