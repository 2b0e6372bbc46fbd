using System.CommandLine;
using Patchwork.Inference;

namespace Patchwork.Cli;

/// <summary>
/// Options with a few named values, for verbs that use a trained network. The first value, the type's zero, is the default; case is
/// ignored.
/// </summary>
internal static class ChoiceOption
{
    /// <summary><c>--precision</c>. There is no auto: the same command must give the same numbers on every machine.</summary>
    public static Option<Precision> Precision() => Of("--precision", "number format of the network",
        ("float32", Patchwork.Precision.Float32), ("bfloat16", Patchwork.Precision.BFloat16));

    /// <summary><c>--which</c>: which epoch's weights to use.</summary>
    public static Option<WeightsOf> Which() => Of("--which", "weights of the epoch with the lowest validation error, or of the last epoch",
        ("best", WeightsOf.BestEpoch), ("last", WeightsOf.LastEpoch));

    public static Option<T> Of<T>(string name, string description, params (string Text, T Value)[] choices) where T : notnull
    {
        var texts = choices.Select(choice => choice.Text).ToArray();
        return new(name)
        {
            Description = $"{description}: {string.Join(", ", texts)} (default {texts[0]})",
            HelpName = "NAME",
            CustomParser = result =>
            {
                var given = result.Tokens is [var token] ? token.Value : "";
                var place = Array.FindIndex(texts, text => text.Equals(given, StringComparison.OrdinalIgnoreCase));
                if (place < 0)
                    result.AddError(InputException.Unknown($"value for {name}", given, texts).Message);
                return choices[Math.Max(place, 0)].Value;
            },
        };
    }
}
