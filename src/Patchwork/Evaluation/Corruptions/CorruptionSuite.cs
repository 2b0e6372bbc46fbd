using Patchwork.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>
/// <c>corruption</c>: error under the common corruptions of CIFAR-C at five severities each. <c>mean_corruption_error</c> is the plain mean
/// over the 15 main kinds and the severities, as usual for CIFAR-C; it is not divided by the errors of AlexNet, as usual for ImageNet-C.
/// </summary>
/// <remarks>
/// Metrics on the published files start with <c>published_</c>. The others are measured on the test set corrupted here; they compare
/// networks with each other and are not comparable with numbers in papers.
/// </remarks>
public sealed record CorruptionSuite : Suite
{
    private const int MostThreads = 8;

    /// <inheritdoc/>
    public override string Id => "corruption";

    /// <inheritdoc/>
    public override string Title => "Common corruptions";

    /// <inheritdoc/>
    public override string Summary =>
        "Error under the 15 main and 4 extra corruptions of CIFAR-C at five severities, generated here or read from the published files.";

    /// <inheritdoc/>
    public override IReadOnlyList<Headline> Headlines =>
    [
        new("mean_corruption_error", "error, corrupted here, %"),
        new("published_mean_corruption_error", "error, published corruptions, %"),
    ];

    /// <summary>
    /// Folder of the published CIFAR-10-C or CIFAR-100-C (one .npy file per corruption, and labels.npy), whichever belongs to the network's
    /// data; null, the default, corrupts the test set itself.
    /// </summary>
    public string? Published { get; init; }

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteOption> Options =>
    [
        new SuiteOption<CorruptionSuite>("corruptions", "CorruptionSuite.Published",
            "folder of the published CIFAR-10-C or CIFAR-100-C files, one .npy file per corruption (default: corrupt the "
                + "test set on the fly)",
            (suite, text) => suite with { Published = text }, suite => suite.Published is { } folder ? Path.GetFullPath(folder) : null),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<SuiteChart> Charts => [new CorruptionTable()];

    /// <summary>
    /// Names of the kinds; the first column of the tables <c>errors</c> and <c>published_errors</c> is an index into this list.
    /// </summary>
    public static IReadOnlyList<string> Kinds { get; } = [.. Corruption.All.Select(kind => kind.Id)];

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Check(Dataset test)
    {
        using var published = Open(limit: null);
        if (published is null)
            return base.Check(test);
        _ = published.Of(published.Kinds[0], severity: 1, test);
        return new Dictionary<string, string> { ["corrupted"] = DataDigest.OfFiles(published.Files) };
    }

    private PublishedCorruptions? Open(int? limit) => Published is { } folder ? PublishedCorruptions.Open(folder, limit) : null;

    /// <inheritdoc/>
    public override SuiteResult Measure(Subject subject)
    {
        using var published = Open(subject.Limit);
        var kinds = published?.Kinds ?? Corruption.All;
        using var model = new PixelModel(subject.Network, subject.Test.Normalization);
        using var noGradient = no_grad();
        var errors = new Dictionary<Corruption, double[][]>();      // for each severity, one entry per image
        foreach (var kind in kinds)
        {
            errors[kind] = [.. Enumerable.Range(1, Corruption.Severities)
                .Select(severity => Errors(kind, severity, errors.Count * Corruption.Severities + severity - 1))];
        }

        var prefix = published is null ? "" : "published_";
        var result = new SuiteResult();
        result.AddMean($"{prefix}mean_corruption_error", Mean(kinds.Where(kind => kind.Main)), subject.Seeds);
        if (kinds.Any(kind => !kind.Main))
            result.AddMean($"{prefix}mean_extra_corruption_error", Mean(kinds.Where(kind => !kind.Main)), subject.Seeds);
        foreach (var kind in kinds)
            result.AddMean($"{prefix}{kind.Id}_error", Mean([kind]), subject.Seeds);
        // Rows [index of the kind, error at severity 1, …, 5].
        result.AddTable($"{prefix}errors",
            kinds.Select(kind => errors[kind].Select(values => values.Average()).Prepend(Kinds.ToList().IndexOf(kind.Id)).ToArray()));
        return result;

        double[] Errors(Corruption kind, int severity, int part)
        {
            var images = published?.Of(kind, severity, subject.Test) ?? kind.Of(subject.Test, severity, subject.Seeds);
            var values = new List<double>(images.Count);
            var threads = Math.Min(Environment.ProcessorCount, MostThreads);
            foreach (var batch in subject.Batches(images, part, kinds.Count * Corruption.Severities, threads))
            {
                using var scope = NewDisposeScope();
                values.AddRange(Subject.Errors(model.Logits(batch.Images), batch.Labels));
            }
            return [.. values];
        }

        // The mean of each image over some kinds and all severities.
        double[] Mean(IEnumerable<Corruption> some)
        {
            var columns = some.SelectMany(kind => errors[kind]).ToArray();
            return [.. Enumerable.Range(0, columns[0].Length).Select(i => columns.Average(values => values[i]))];
        }
    }
}
