using System.CommandLine;
using Patchwork.Evaluation;

namespace Patchwork.Cli;

/// <summary>The headings under which a verb's help lists its flags, in the order of the page; the most used flags come first.</summary>
internal static class HelpGroups
{
    private static readonly (string Heading, string[] Flags)[] groups =
    [
        ("Run", ["--methods", "--seeds", "--seed", "--jobs", "--resume", "--break-lock"]),
        ("Data",
        [
            "--dataset", "--data", "--image-size", "--center-crop", "--normalization", "--part", "--count", "--subset", "--per-class",
            "--validation", "--folds", "--balanced", "--flip", "--crop", "--resized-crop", "--color-jitter", "--scaled-decoding",
            "--skip-damaged", "--images", "--columns", "--multi-label", "--class-names",
        ]),
        ("Model",
        [
            "--model", "--run", "--weights", "--which", "--stem", "--freeze", "--freeze-epochs", "--freeze-norm", "--layer", "--class",
        ]),
        ("Method",
        [
            "--method", "--alpha", "--probability", "--label-smoothing", "--clean-half", "--clean-tail", "--decoupled", "--scope",
            "--partners", "--preset",
            "--placement", "--rounding", "--margin", "--fixed-lambda", "--centre", "--label-weight", "--fold", "--layers",
            "--drop-probability", "--union-labels", "--strengths", "--set", "--batch", "--height", "--width", "--draws",
        ]),
        ("Training",
        [
            "--epochs", "--batch-size", "--optimizer", "--lr", "--schedule", "--milestones", "--warmup", "--weight-decay",
            "--no-vector-decay", "--momentum", "--layer-decay", "--clip", "--accumulate", "--ema", "--loss", "--class-weights",
            "--early-stop", "--checkpoint-every", "--sync-batchnorm",
        ]),
        ("Evaluation", ["--suite", "--evaluate", "--limit", "--logits", .. Suites.All.SelectMany(suite => suite.Options)
            .Select(option => $"--{option.Name}")]),
        ("Measurements", ["--training", "--evaluation"]),
        ("Hardware", ["--threads", "--precision", "--device"]),
        ("Output",
        [
            "--out", "--format", "--input", "--opset", "--top", "--objects", "--markdown", "--json", "--quiet", "--verbose", "--version",
            "--help",
        ]),
    ];

    /// <summary>The options of a command by heading, in the order of the page; headings without options are omitted.</summary>
    /// <remarks>A flag that stands under two headings, as an option of a suite may, belongs to the first.</remarks>
    /// <exception cref="InvalidOperationException">A flag is not in the table.</exception>
    public static IEnumerable<(string Heading, IReadOnlyList<Option> Options)> Of(IEnumerable<Option> options)
    {
        var placed = options.ToLookup(option => groups.Index().First(group => group.Item.Flags.Contains(option.Name)).Index);
        return groups.Index().Where(group => placed.Contains(group.Index)).Select(group =>
            (group.Item.Heading, (IReadOnlyList<Option>)[.. placed[group.Index]
                .OrderBy(option => Array.IndexOf(group.Item.Flags, option.Name))]));
    }
}
