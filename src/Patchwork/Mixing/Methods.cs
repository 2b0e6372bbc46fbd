using Patchwork.Internals;

namespace Patchwork.Mixing;

/// <summary>A method of the catalogue.</summary>
/// <param name="Id">Name on the command line.</param>
/// <param name="Name">Name in its paper.</param>
/// <param name="Summary">One sentence.</param>
/// <param name="Source">Paper.</param>
/// <param name="Create">The method with its defaults.</param>
public sealed record Method(string Id, string Name, string Summary, string Source, Func<Mixer> Create);

/// <summary>The catalogue: one line a method. Command line, docs index and law tests derive from it.</summary>
public static class Methods
{
    /// <summary>The name of training without any method.</summary>
    public const string Baseline = "baseline";

    /// <summary>All methods.</summary>
    public static IReadOnlyList<Method> All { get; } =
    [
        new("cutmix", "CutMix", "Pastes a box of another image and mixes the labels by area.", "Yun et al., ICCV 2019, arXiv 1905.04899", () => new CutMix()),
    ];

    /// <summary>A method by its id.</summary>
    /// <exception cref="InputException">No method has that name; the nearest one is offered.</exception>
    public static Method Find(string id) => All.FirstOrDefault(method => method.Id == id)
        ?? throw InputException.Unknown("method", id, [Baseline, .. All.Select(method => method.Id)]);
}
