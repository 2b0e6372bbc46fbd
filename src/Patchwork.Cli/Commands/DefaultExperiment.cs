namespace Patchwork.Cli.Commands;

/// <summary>What verbs show and compare where no method is named.</summary>
internal static class DefaultExperiment
{
    /// <summary>The method of <c>preview</c>, <c>plan</c> and <c>mix</c>.</summary>
    public static string Method => "cutmix";

    /// <summary>The methods of <c>compare</c>.</summary>
    public static string Methods => "baseline,cutout,mixup,cutmix";
}
