namespace Patchwork.Training;

/// <summary>The metric that selects the best epoch and that the curves of a run show.</summary>
internal static class ValidationError
{
    /// <summary>The metric for images with one label.</summary>
    public const string OfOneLabel = "val/top1_error";

    /// <summary>The metric for images with several labels: 1 minus the mean average precision.</summary>
    public const string OfSeveral = "val/map_error";

    /// <summary>The metric that a fit has; null without validation.</summary>
    public static string? In(IReadOnlyDictionary<string, double> metrics) =>
        metrics.ContainsKey(OfSeveral) ? OfSeveral : metrics.ContainsKey(OfOneLabel) ? OfOneLabel : null;
}
