using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Recipes;

namespace Patchwork.Runs;

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

    /// <summary>
    /// Layer whose Grad-CAM localizes, as <c>layer3</c>; null, the default, takes the class activation map of the last features.
    /// </summary>
    public string? Layer { get; init; }

    /// <summary>Data set that the network is taken to, <c>cifar10</c> or <c>folder=DIR</c>; null, the default, leaves transfer out.</summary>
    public string? TransferTo { get; init; }

    /// <summary>Epochs of the last layer's training and of the fine-tuning. Range 1 to 100,000. Default 10.</summary>
    public int TransferEpochs { get; init => field = value is >= 1 and <= 100_000 ? value : throw new InputException($"--transfer-epochs must be 1 to 100000. Received: {value}."); } = 10;

    /// <summary>Refuses before anything is trained for them what cannot be evaluated of such runs.</summary>
    /// <exception cref="InputException">A suite is unknown or cannot be measured, or a data set cannot be opened.</exception>
    public void Check(Recipe recipe)
    {
        var test = recipe.OpenData().Test;
        _ = Of(test);
        _ = OpenOutSets(test);
        OpenCorruptions()?.Dispose();
        if (TransferTo is { } text)
            _ = TransferRuns.Target(text, test, recipe);
    }

    /// <summary>The suites for a test set: all that are named; of <c>all</c> those that it has what they need for.</summary>
    /// <exception cref="InputException">A suite that is named cannot be measured.</exception>
    internal IReadOnlyList<Suite> Of(Dataset test) => [.. Evaluation.Suites.Parse(Suites).Where(suite =>
    {
        var missing = suite is TransferSuite && TransferTo is null ? "needs a data set to go to (--transfer-to)" : suite.Missing(test);
        if (missing is not null && Suites != "all")
            throw new InputException($"The suite {suite.Id} {missing}.");
        return missing is null;
    })];

    internal PublishedCorruptions? OpenCorruptions() => Corruptions is { } folder && Evaluation.Suites.Parse(Suites).Any(suite => suite is CorruptionSuite) ? PublishedCorruptions.Open(folder, Limit) : null;

    internal IReadOnlyList<(string Id, Dataset Images)> OpenOutSets(Dataset test) => [.. OutSets.Select(text =>
    {
        var crop = text.EndsWith(":crop", StringComparison.Ordinal);
        var (id, folder, label) = Named(crop ? text[..^5] : text);
        var set = DatasetCatalogue.Open(id, new DataOptions { Data = folder, ImageSize = crop ? null : test.Height }).Test;
        var name = $"{label}{(crop ? "_crop" : "")}";
        return (name, set.Count <= test.Count ? Formed(set) : new Subset(Formed(set), [.. Enumerable.Range(0, test.Count).Select(i => (int)((long)i * set.Count / test.Count))]));

        Dataset Formed(Dataset images) => !crop && (images.Channels, images.Height, images.Width) == (test.Channels, test.Height, test.Width)
            ? images : new Resized(images, test.Height, test.Width, test.Channels, crop);
    })];

    // folder=DIR is called by the folder's own name.
    internal static (string Id, string? Folder, string Name) Named(string text)
    {
        var parts = text.Split('=', 2);
        return (parts[0], parts.ElementAtOrDefault(1), (parts.Length == 2 ? Path.GetFileName(Path.TrimEndingDirectorySeparator(parts[1])) : parts[0]).ToLowerInvariant());
    }
}
