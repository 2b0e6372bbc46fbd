using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;
using Patchwork.Plans;
using Patchwork.Reporting;
using Patchwork.Saliency;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Inference;

/// <summary>What a network looked at in a picture, and the picture as the network got it.</summary>
/// <param name="Picture">The network's input, as pixels.</param>
/// <param name="Activation">Class, probability, map and box, all in pixels of <paramref name="Picture"/>.</param>
public sealed record Explanation(Picture Picture, Activation Activation)
{
    /// <summary>
    /// Explains a network's answer: the class activation map of its last features (Zhou et al., CVPR 2016), or Grad-CAM at a layer, and
    /// around the largest contour above 0.15 of its maximum the box by which the CutMix paper finds objects.
    /// </summary>
    /// <param name="model">The network; run in evaluation mode and left as it was.</param>
    /// <param name="image">One image (1, C, H, W), normalized, C of 1 or 3, on the network's device; it stays the caller's.</param>
    /// <param name="normalization">What the image was normalized by.</param>
    /// <param name="classes">The K classes' names, in the order of the logits.</param>
    /// <param name="label">The class that is asked about, 0 to K - 1; null, the default: the predicted one.</param>
    /// <param name="layer">The layer of a Grad-CAM, as <c>layer2</c>; null, the default: the class activation map.</param>
    /// <param name="multiLabel">True where each class has a probability for itself, of a sigmoid. Default false: of a softmax.</param>
    /// <param name="temperature">What the logits are divided by before the softmax; above 0. Default 1.</param>
    /// <exception cref="InputException">The network has no such layer, or none of which a map can be made.</exception>
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
        return new(picture, new Activation(classes[asked], probabilities[asked], map, box) { Layer = layer });
    }

    /// <summary>The sheet: original, heat map, overlay and box.</summary>
    /// <param name="name">What is written below the original, as its file's name.</param>
    public ActivationSheet Sheet(string name) => new()
    {
        Title = FormattableString.Invariant($"What speaks for {Activation.Class} ({100 * Activation.Probability:0.0} %)"),
        Subtitle = FormattableString.Invariant($"The box lies around the largest region above {MapBoxes.PaperThreshold} of the maximum."),
        Networks = [""],
        Rows = [new ActivationRow(Picture, name, [Activation])],
        Stages = true,
    };

    /// <summary>Probabilities (N · K) of logits (N, K): of a softmax at a temperature, or each of a sigmoid.</summary>
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
            return layer is null ? ClassActivation.Scaled(model, image, classes) : GradCam.Of(model, image, classes, layer);
        }
        catch (ArgumentException error)
        {
            throw new InputException($"{error.Message} Name {(layer is null ? "a layer, for its Grad-CAM" : "another layer")}.", error);
        }
    }
}
