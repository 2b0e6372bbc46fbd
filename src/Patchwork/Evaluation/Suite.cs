using System.Text.Json.Nodes;
using Patchwork.Data;

namespace Patchwork.Evaluation;

/// <summary>
/// A group of measurements that answer one question about a trained network. A suite owns its options (immutable properties of the record),
/// the fingerprint of what its numbers depend on, its results and its charts; files, reports and the command line only iterate over suites.
/// </summary>
public abstract record Suite
{
    /// <summary>Its name in result files and on the command line: lower-case letters, digits and hyphens.</summary>
    public abstract string Id { get; }

    /// <summary>Its heading in a report.</summary>
    public abstract string Title { get; }

    /// <summary>What it measures, in one sentence.</summary>
    public abstract string Summary { get; }

    /// <summary>The few metrics that answer the suite's question, shown in the terminal and in reports.</summary>
    public abstract IReadOnlyList<Headline> Headlines { get; }

    /// <summary>The options that can be set by name. Default: none.</summary>
    public virtual IReadOnlyList<SuiteOption> Options => [];

    /// <summary>The charts that a report draws from its results. Default: none.</summary>
    public virtual IReadOnlyList<SuiteChart> Charts => [];

    /// <summary>
    /// Everything that its numbers depend on besides the weights and the test images. Stored results are reused only while it is unchanged.
    /// Default: the values of <see cref="Options"/> by their names in snake_case.
    /// </summary>
    public virtual JsonObject Fingerprint => new(Options.Select(option => KeyValuePair.Create(option.Key, option.Value(this))));

    /// <summary>Why this suite cannot run on a test set, as the end of a sentence that starts with its name; null if it can.</summary>
    public virtual string? Missing(Dataset test) => null;

    /// <summary>Whether it supports images with several labels. Default false.</summary>
    public virtual bool TakesSeveralLabels => false;

    /// <summary>Why this suite cannot run on a test set: <see cref="Missing"/>, or that it needs images with one label each.</summary>
    internal string? Reason(Dataset test) =>
        test.IsMultiLabel && !TakesSeveralLabels ? "needs images with one label each" : Missing(test);

    /// <summary>Whether its numbers also depend on the validation images. Default false.</summary>
    public virtual bool UsesValidation => false;

    /// <summary>
    /// Opens the files and data sets that the options name, so that an evaluation fails before it starts and not at its last suite.
    /// </summary>
    /// <param name="test">The test set of the later measurements.</param>
    /// <returns>
    /// The digests (<see cref="DataDigest"/>) of the data that its numbers depend on besides the test images, by name: stored results are
    /// reused only while these are unchanged. Default: none.
    /// </returns>
    /// <exception cref="InputException">A file or data set that an option names cannot be used with the test set.</exception>
    public virtual IReadOnlyDictionary<string, string> Check(Dataset test) => new Dictionary<string, string>();

    /// <summary>Runs the measurements. The same subject gives the same numbers.</summary>
    /// <exception cref="InputException">A file or data set that an option names cannot be used.</exception>
    /// <exception cref="OperationCanceledException">The subject's token was cancelled.</exception>
    public abstract SuiteResult Measure(Subject subject);
}

/// <summary>A metric that is shown first.</summary>
/// <param name="Metric">Its name in results.</param>
/// <param name="Title">Its name in tables.</param>
/// <param name="Percent">Whether it is a share, shown in percent.</param>
/// <param name="LowerIsBetter">Whether lower values are better; null if neither direction is better.</param>
public sealed record Headline(string Metric, string Title, bool Percent = true, bool? LowerIsBetter = true)
{
    /// <summary>True for the test error itself, for which a report shows the interval over the test images. Default false.</summary>
    public bool IsTestError { get; init; }

    /// <summary>True if it is measured only for images with several labels. Default false.</summary>
    public bool OfSeveralLabels { get; init; }
}
