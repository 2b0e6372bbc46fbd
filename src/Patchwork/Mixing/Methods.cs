using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Mixing;

/// <summary>A method of the catalogue.</summary>
/// <param name="Id">Name on the command line.</param>
/// <param name="Name">Name in its paper.</param>
/// <param name="Summary">What the method does, in one sentence.</param>
/// <param name="Source">The paper that introduced it.</param>
/// <param name="Create">Creates the method with its default options.</param>
public sealed record Method(string Id, string Name, string Summary, string Source, Func<IMethod> Create);

/// <summary>
/// The catalogue of methods, one line per method. The command line, the index of the docs and the tests of the laws derive from it.
/// </summary>
public static class Methods
{
    /// <summary>The id that stands for training without any method.</summary>
    public const string Baseline = "baseline";

    /// <summary>All methods.</summary>
    public static IReadOnlyList<Method> All { get; } =
    [
        new("cutmix", "CutMix", "Pastes a box of another image and mixes the labels by area.", "Yun et al., ICCV 2019, arXiv 1905.04899",
            () => new CutMix()),
        new("mixup", "Mixup", "Blends two images and their labels.", "Zhang et al., ICLR 2018, arXiv 1710.09412", () => new Mixup()),
        new("resizemix", "ResizeMix", "Pastes the whole partner, resized to a smaller box.", "Qin et al., 2020, arXiv 2012.11101", () =>
            new ResizeMix()),
        new("fmix", "FMix", "Replaces pixels by a mask of low-frequency noise.", "Harris et al., 2020, arXiv 2002.12047", () => new FMix()),
        new("gridmix", "GridMix", "Replaces cells of a grid.", "Baek et al., Pattern Recognition 2021", () => new GridMix()),
        new("saliencymix", "SaliencyMix", "Pastes a box around the most salient pixel of the partner.",
            "Uddin et al., ICLR 2021, arXiv 2006.01791", () => new SaliencyMix()),
        new("snapmix", "SnapMix", "Pastes a box and weighs the labels by the network's class activation maps.",
            "Huang et al., AAAI 2021, arXiv 2012.04846", () => new SnapMix()),
        new("puzzlemix", "PuzzleMix", "Combines blocks of both images so that salient parts stay visible.",
            "Kim et al., ICML 2020, arXiv 2009.06962", () => new PuzzleMix()),
        new("hmix", "HMix", "Pastes a box and blends the rest.", "Park et al., NeurIPS 2022, arXiv 2208.09913", () => new HMix()),
        new("gmix", "GMix", "Blends by a Gaussian around a random centre.", "Park et al., NeurIPS 2022, arXiv 2208.09913", () =>
            new GMix()),
        new("guidedmixup", "GuidedMixup", "Blends every pixel by its saliency in both images, and pairs images by saliency.",
            "Kang and Kim, AAAI 2023, arXiv 2306.16612", () => new GuidedMixup()),
        new("automix", "AutoMix", "Blends by masks that a small network learns during training.",
            "Liu et al., ECCV 2022, arXiv 2103.13027", () => new AutoMix()),
        new("recursivemix", "RecursiveMix", "Pastes the mixed batch of the step before, resized to a smaller box.",
            "Yang et al., NeurIPS 2022, arXiv 2203.06844", () => new RecursiveMix()),
        new("transmix", "TransMix", "Pastes a box and weighs the labels by a transformer's attention.",
            "Chen et al., CVPR 2022, arXiv 2111.09833", () => new TransMix()),
        new("tokenmix", "TokenMix", "Replaces blocks of a transformer's tokens and weighs the labels by its attention.",
            "Liu et al., ECCV 2022, arXiv 2207.08409", () => new TokenMix()),
        new("manifoldmixup", "Manifold Mixup", "Blends hidden features at a random layer.", "Verma et al., ICML 2019, arXiv 1806.05236",
            () => new ManifoldMixup()),
        new("featurecutmix", "Feature CutMix", "Applies CutMix to the feature map of a layer.",
            "Yun et al., ICCV 2019, arXiv 1905.04899", () => new FeatureCutMix()),
        new("cutout", "Cutout", "Fills a square with the mean colour.", "DeVries and Taylor, 2017, arXiv 1708.04552", () => new Cutout()),
        new("randomerasing", "Random Erasing", "Fills a box of random area and aspect ratio.",
            "Zhong et al., AAAI 2020, arXiv 1708.04896", () => new RandomErasing()),
        new("dropblock", "DropBlock", "Drops blocks of features.", "Ghiasi et al., NeurIPS 2018, arXiv 1810.12890", () => new DropBlock()),
        new("stochasticdepth", "Stochastic depth", "Drops whole residual branches.", "Huang et al., ECCV 2016, arXiv 1603.09382", () =>
            new StochasticDepth()),
        new("shakedrop", "ShakeDrop", "Multiplies residual branches and their gradients by random factors.",
            "Yamada et al., 2019, arXiv 1802.02375", () => new ShakeDrop()),
        new("labelsmoothing", "Label smoothing", "Gives every class a small part of the label.",
            "Szegedy et al., CVPR 2016, arXiv 1512.00567", () => new LabelSmoothing()),
    ];

    /// <summary>
    /// The methods with which a network can be trained: those for which <see cref="ModelZoo.Misfit"/> finds no reason against it.
    /// </summary>
    /// <param name="model">Name of the network, in any case.</param>
    public static IReadOnlyList<Method> For(string model) =>
        [.. All.Where(method => ModelZoo.Misfit(model, method.Create()) is null)];

    /// <summary>
    /// The name of a stack, made of the names of its methods and the options in its own name: "CutMix (probability 0.5) + ShakeDrop".
    /// </summary>
    public static string NameOf(MethodStack stack)
    {
        return stack.Methods.Count == 0 ? "Baseline" : string.Join(" + ", stack.Methods.Select(Name));

        string Name(IMethod method) => method is OneOf choice ? string.Join(" or ", choice.Choices.Select(one => Name(one.Mixer)))
            : Find(method.Id).Name + Options(method);
        string Options(IMethod method) => stack.Named.OfOne(method) is { Count: > 0 } options
            ? $" ({string.Join(", ", options.Select(option => $"{option.Name} {option.Text}"))})" : "";
    }

    /// <summary>Finds a method by its id, in any case.</summary>
    /// <exception cref="InputException">
    /// No method has that id (the message suggests the nearest one), or it is <see cref="Baseline"/>.
    /// </exception>
    public static Method Find(string id) => All.FirstOrDefault(method => method.Id.Equals(id, StringComparison.OrdinalIgnoreCase))
        ?? throw (id.Equals(Baseline, StringComparison.OrdinalIgnoreCase)
            ? new InputException($"{Baseline} is training without any method: it stands alone and has no options. Omit it, or "
            + "omit everything that is combined with it.")
            : InputException.Unknown("method", id, [Baseline, .. All.Select(method => method.Id)]));
}
