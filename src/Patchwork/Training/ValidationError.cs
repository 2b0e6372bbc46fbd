namespace Patchwork.Training;

/// <summary>The metric that the best epoch is chosen by, and that curves of a run show.</summary>
internal static class ValidationError
{
    /// <summary>Of images with one label.</summary>
    public const string OfOneLabel = "val/top1_error";

    /// <summary>Of images with several: 1 less the mean average precision.</summary>
    public const string OfSeveral = "val/map_error";

    /// <summary>The one that a fit has; null where nothing is validated.</summary>
    public static string? In(IReadOnlyDictionary<string, double> metrics) =>
        metrics.ContainsKey(OfSeveral) ? OfSeveral : metrics.ContainsKey(OfOneLabel) ? OfOneLabel : null;
}
