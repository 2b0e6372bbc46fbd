using System.Text.Json.Nodes;
using Patchwork.Data;

namespace Patchwork.Evaluation;

/// <summary>
/// A group of measurements that answer one question about a trained network. A suite owns its options (immutable properties of the record),
/// the fingerprint of what its numbers depend on, its results and its charts; files, reports and the command line only walk suites.
/// </summary>
public abstract record Suite
{
    /// <summary>Its name in result files and on the command line: lower-case letters, digits and hyphens.</summary>
    public abstract string Id { get; }

    /// <summary>Its heading in a report.</summary>
    public abstract string Title { get; }

    /// <summary>What it measures, in one sentence.</summary>
    public abstract string Summary { get; }

    /// <summary>The few metrics that answer the suite's question, for a terminal and a report.</summary>
    public abstract IReadOnlyList<Headline> Headlines { get; }

    /// <summary>The options that can be set by name. Default: none.</summary>
    public virtual IReadOnlyList<SuiteOption> Options => [];

    /// <summary>The charts that a report makes of its results. Default: none.</summary>
    public virtual IReadOnlyList<SuiteChart> Charts => [];

    /// <summary>
    /// What its numbers depend on besides the weights and the test images. Stored results are only used again while it is the same.
    /// Default: the values of <see cref="Options"/> by their names in snake_case.
    /// </summary>
    public virtual JsonObject Fingerprint => new(Options.Select(option => KeyValuePair.Create(option.Key, option.Value(this))));

    /// <summary>Why this suite cannot run on a test set, as the end of a sentence that begins with its name; null where it can.</summary>
    public virtual string? Missing(Dataset test) => null;

    /// <summary>True where it has a form for images with several labels. Default false.</summary>
    public virtual bool TakesSeveralLabels => false;

    /// <summary><see cref="Missing"/>, or that it needs images with one label each.</summary>
    internal string? Reason(Dataset test) =>
        test.IsMultiLabel && !TakesSeveralLabels ? "needs images with one label each" : Missing(test);

    /// <summary>True where its numbers depend on the validation images too. Default false.</summary>
    public virtual bool UsesValidation => false;

    /// <summary>Opens what the options name, so that an evaluation fails before it begins and not at its last suite.</summary>
    /// <param name="test">The test set that is measured later.</param>
    /// <returns>
    /// What its numbers depend on besides the test images, by a name, each by its digest (<see cref="DataDigest"/>): stored results are
    /// only used again while these are the same. Default: nothing.
    /// </returns>
    /// <exception cref="InputException">A file or data set that an option names cannot be used with the test set.</exception>
    public virtual IReadOnlyDictionary<string, string> Check(Dataset test) => new Dictionary<string, string>();

    /// <summary>Measures. The same subject gives the same numbers.</summary>
    /// <exception cref="InputException">A file or data set that an option names cannot be used.</exception>
    /// <exception cref="OperationCanceledException">The subject's token was cancelled.</exception>
    public abstract SuiteResult Measure(Subject subject);
}

/// <summary>A metric that is shown first.</summary>
/// <param name="Metric">Its name in results.</param>
/// <param name="Title">Its name in tables.</param>
/// <param name="Percent">Whether it is a share, shown in percent.</param>
/// <param name="LowerIsBetter">Whether lower values are better; null where neither direction is.</param>
public sealed record Headline(string Metric, string Title, bool Percent = true, bool? LowerIsBetter = true)
{
    /// <summary>True for the test error itself, of which a report gives the interval over the test images. Default false.</summary>
    public bool IsTestError { get; init; }

    /// <summary>True where it is measured of images with several labels alone. Default false.</summary>
    public bool OfSeveralLabels { get; init; }
}
