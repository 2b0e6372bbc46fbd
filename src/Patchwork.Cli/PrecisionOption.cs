using System.CommandLine;

namespace Patchwork.Cli;

/// <summary>
/// <c>--precision</c> of verbs that use a trained network. There is no auto: the same command is to give the same numbers on every machine.
/// </summary>
internal static class PrecisionOption
{
    private static readonly Dictionary<string, Precision> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        ["float32"] = Precision.Float32,
        ["bfloat16"] = Precision.BFloat16,
    };

    public static Option<Precision> Create() => new("--precision")
    {
        Description = $"what the network computes in: {string.Join(", ", Known.Keys)} (default float32)",
        CustomParser = result =>
        {
            var given = result.Tokens is [var token] ? token.Value : "";
            if (!Known.TryGetValue(given, out var precision))
                result.AddError(InputException.Unknown("value for --precision", given, Known.Keys).Message);
            return precision;
        },
    };
}
