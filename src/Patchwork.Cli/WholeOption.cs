using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Patchwork.Cli;

/// <summary>Options whose value is a whole number; anything else is rejected in one sentence.</summary>
internal static class WholeOption
{
    /// <summary>An option with a default.</summary>
    public static Option<int> Create(string flag, string description, int standard, int least = int.MinValue, int most = int.MaxValue) =>
        new(flag)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => standard,
            CustomParser = result => Parse(result, flag, least, most) ?? standard,
        };

    /// <summary>An option without a default.</summary>
    public static Option<int?> Optional(string flag, string description, int least = int.MinValue, int most = int.MaxValue) => new(flag)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => Parse(result, flag, least, most),
    };

    private static int? Parse(ArgumentResult result, string flag, int least, int most)
    {
        var given = result.Tokens is [var token] ? token.Value : "";
        if (int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least
            && value <= most)
            return value;
        var range = (least, most) == (int.MinValue, int.MaxValue) ? "" : FormattableString.Invariant($" from {least} to {most}");
        result.AddError($"{flag} must be a whole number{range}. Received: {given}.");
        return null;
    }
}
