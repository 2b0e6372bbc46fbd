using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Internals;

namespace Patchwork.Recipes;

/// <summary>What of a run is evaluated, and against what.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Suites, separated by commas, or <c>all</c>. Default <c>all</c>.</summary>
    public string Suites { get; init; } = "all";

    /// <summary>Test images that are used, every class by its share; null, the default, uses all. It is written into every result.</summary>
    public int? Limit { get; init => field = value is null or >= 1 ? value : throw new InputException($"--limit must be at least 1. Received: {value}."); }

    /// <summary>
    /// Data sets whose test images count as images of another kind: <c>cifar100</c>, <c>folder=DIR</c>, resized to the network's input, or with <c>:crop</c> at the
    /// end their middle. Default: none but those that are drawn.
    /// </summary>
    public IReadOnlyList<string> OutSets { get; init; } = [];

    /// <summary>
    /// Folder of the published CIFAR-10-C or CIFAR-100-C (an .npy file for each corruption, and labels.npy), whichever belongs to the run's data; null, the default,
    /// corrupts the test set here.
    /// </summary>
    public string? Corruptions { get; init; }

    /// <summary>Refuses unknown suites before anything is trained for them.</summary>
    /// <exception cref="InputException">A suite is unknown.</exception>
    public void Check() => _ = ChosenSuites;

    internal IReadOnlyList<Suite> ChosenSuites => Evaluation.Suites.Parse(Suites);

    internal PublishedCorruptions? OpenCorruptions() => Corruptions is { } folder && ChosenSuites.Any(suite => suite is CorruptionSuite) ? PublishedCorruptions.Open(folder, Limit) : null;

    internal IReadOnlyList<(string Id, Dataset Images)> OpenOutSets(Dataset test) => [.. OutSets.Select(text =>
    {
        var crop = text.EndsWith(":crop", StringComparison.Ordinal);
        var parts = (crop ? text[..^5] : text).Split('=', 2);
        var set = DatasetCatalogue.Open(parts[0], new DataOptions { Folder = parts.ElementAtOrDefault(1), ImageSize = crop ? null : test.Height }).Test;
        var name = $"{(parts.Length == 2 ? Path.GetFileName(Path.TrimEndingDirectorySeparator(parts[1])) : parts[0])}{(crop ? "_crop" : "")}".ToLowerInvariant();
        return (name, set.Count <= test.Count ? Formed(set) : new Subset(Formed(set), [.. Enumerable.Range(0, test.Count).Select(i => (int)((long)i * set.Count / test.Count))]));

        Dataset Formed(Dataset images) => !crop && (images.Channels, images.Height, images.Width) == (test.Channels, test.Height, test.Width)
            ? images : new Resized(images, test.Height, test.Width, test.Channels, crop);
    })];
}
