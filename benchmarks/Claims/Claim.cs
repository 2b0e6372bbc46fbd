using Patchwork.Evaluation;
using Patchwork.Mixing;
using static Patchwork.Claims.Page;

namespace Patchwork.Claims;

/// <summary>A statement of the paper and the measurement that tests it: two methods that differ in one metric.</summary>
/// <param name="Text">The claim and where it is tested.</param>
/// <param name="Paper">The paper's numbers.</param>
/// <param name="Experiment">The experiment that tests it.</param>
/// <param name="Metric">The metric, as in <see cref="ResultFile"/>.</param>
public sealed record Claim(string Text, string Paper, string Experiment, string Metric = "test_error_last")
{
    /// <summary>The method that is claimed to be better. Default CutMix.</summary>
    public string Method { get; init; } = "cutmix";

    /// <summary>The method that it is compared with. Default the baseline.</summary>
    public string Against { get; init; } = Methods.Baseline;

    /// <summary>Whether lower values are better. Default true.</summary>
    public bool LowerIsBetter { get; init; } = true;

    /// <summary>
    /// What was measured and what follows: the claim holds, or is refuted, if the 95 % intervals of the gain over the seeds and, where
    /// known, over the test images exclude 0; otherwise it cannot be seen, with about the gain that would be detected
    /// (<see cref="PairedPower"/>). One seed decides nothing; its gain is stated with the interval over the images. Null if nothing was
    /// measured yet.
    /// </summary>
    public (string Here, string Verdict)? Judged(ResultFile results)
    {
        if (SeedPairs.Of(results, Method, Against, Metric, LowerIsBetter) is not { } pairs)
            return null;
        var means = $"{Number(pairs.Other)} to {Number(pairs.Own)} %";
        var images = results.OverImages(Method, Against, Metric, pairs.Gains.Count);
        if (pairs.OverSeeds is not { } interval)
            return ($"{means}, one seed" + (images is { } one ? $": gain {Number(pairs.Gain)} {PlusMinus(one)} over the images" : ""),
                "not decided by one seed");
        var here = $"{means}: gain {Number(pairs.Gain)} {PlusMinus(interval)} over {pairs.Gains.Count} seeds"
            + (images is { } over ? $", {PlusMinus(over)} over the images" : "");
        if (!interval.Contains(0) && images?.Contains(0) != true)
            return (here, pairs.Gain > 0 ? "**holds**" : "**refuted**");
        return (here, PairedPower.Detectable(pairs.Gains, images) is { } points
            ? $"cannot be seen; about {Number(points)} would be detected" : "cannot be seen");
    }
}
