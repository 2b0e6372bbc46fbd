using Patchwork.Plans;
using Patchwork.Regularization;

namespace Patchwork.Mixing;

/// <summary>A method of the catalogue.</summary>
/// <param name="Id">Name on the command line.</param>
/// <param name="Name">Name in its paper.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Source">Paper.</param>
/// <param name="Create">The method with its defaults.</param>
public sealed record Method(string Id, string Name, string Summary, string Source, Func<IMethod> Create);

/// <summary>The catalogue: one line a method. Command line, docs index and law tests derive from it.</summary>
public static class Methods
{
    /// <summary>The name of training without any method.</summary>
    public const string Baseline = "baseline";

    /// <summary>All methods.</summary>
    public static IReadOnlyList<Method> All { get; } =
    [
        new("cutmix", "CutMix", "Pastes a box of another image and mixes the labels by area.", "Yun et al., ICCV 2019, arXiv 1905.04899",
            () => new CutMix()),
        new("mixup", "Mixup", "Blends two images and their labels.", "Zhang et al., ICLR 2018, arXiv 1710.09412", () => new Mixup()),
        new("resizemix", "ResizeMix", "Pastes the whole partner, made smaller.", "Qin et al., 2020, arXiv 2012.11101", () =>
            new ResizeMix()),
        new("fmix", "FMix", "Takes pixels by a mask of low-frequency noise.", "Harris et al., 2020, arXiv 2002.12047", () => new FMix()),
        new("gridmix", "GridMix", "Takes cells of a grid.", "Baek et al., Pattern Recognition 2021", () => new GridMix()),
        new("saliencymix", "SaliencyMix", "Pastes a box around what stands out most in the partner.",
            "Uddin et al., ICLR 2021, arXiv 2006.01791", () => new SaliencyMix()),
        new("snapmix", "SnapMix", "Pastes a box and weighs the labels by what the network sees in it.",
            "Huang et al., AAAI 2021, arXiv 2012.04846", () => new SnapMix()),
        new("puzzlemix", "PuzzleMix", "Joins blocks of both images so that what matters stays in sight.",
            "Kim et al., ICML 2020, arXiv 2009.06962", () => new PuzzleMix()),
        new("manifoldmixup", "Manifold Mixup", "Blends hidden features of a random layer.", "Verma et al., ICML 2019, arXiv 1806.05236",
            () => new ManifoldMixup()),
        new("featurecutmix", "Feature CutMix", "CutMix on a layer's map of features.", "Yun et al., ICCV 2019, arXiv 1905.04899", () =>
            new FeatureCutMix()),
        new("cutout", "Cutout", "Fills a square with the mean colour.", "DeVries and Taylor, 2017, arXiv 1708.04552", () => new Cutout()),
        new("randomerasing", "Random Erasing", "Fills a box of random form.", "Zhong et al., AAAI 2020, arXiv 1708.04896", () =>
            new RandomErasing()),
        new("dropblock", "DropBlock", "Drops blocks of features.", "Ghiasi et al., NeurIPS 2018, arXiv 1810.12890", () => new DropBlock()),
        new("stochasticdepth", "Stochastic depth", "Drops whole residual branches.", "Huang et al., ECCV 2016, arXiv 1603.09382", () =>
            new StochasticDepth()),
        new("shakedrop", "ShakeDrop", "Drops branches by random factors, forward and backward.", "Yamada et al., 2019, arXiv 1802.02375",
            () => new ShakeDrop()),
        new("labelsmoothing", "Label smoothing", "Gives every class a little of the label.", "Szegedy et al., CVPR 2016, arXiv 1512.00567",
            () => new LabelSmoothing()),
    ];

    /// <summary>The names in their papers of the methods that work together: "CutMix + ShakeDrop".</summary>
    public static string NameOf(MethodStack stack) =>
        stack.Methods.Count == 0 ? "Baseline" : string.Join(" + ", stack.Methods.Select(Name));

    private static string Name(IMethod method) =>
        method is OneOf choice ? string.Join(" or ", choice.Choices.Select(one => Name(one.Mixer))) : Find(method.Id).Name;

    /// <summary>A method by its id, in any case.</summary>
    /// <exception cref="InputException">No method has that name, and the nearest one is offered, or it is that of training without
    /// any.</exception>
    public static Method Find(string id) => All.FirstOrDefault(method => method.Id.Equals(id, StringComparison.OrdinalIgnoreCase))
        ?? throw (id.Equals(Baseline, StringComparison.OrdinalIgnoreCase)
            ? new InputException($"{Baseline} is training without any method: it stands alone and has no options. Leave it away, or "
            + "leave away what stands beside it.")
            : InputException.Unknown("method", id, [Baseline, .. All.Select(method => method.Id)]));
}
