using System.Text;

namespace Patchwork.Data;

/// <summary>
/// Composes class names for comparison: é can be one letter or e followed by an accent, as macOS file systems store it, and both are the
/// same name. This is done here because .NET needs ICU for it and changes nothing without it.
/// </summary>
internal static class ClassName
{
    private const int HangulBase = 0xac00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11a7, Vowels = 21, Tails = 28;

    // Each line has a composed letter and its two parts, for Unicode 14 within 16 bits; Hangul is not included, because its syllables are
    // computed.
    private static readonly Lazy<Dictionary<(char, char), char>> Pairs = new(() =>
    {
        using var lines = new StreamReader(typeof(ClassName).Assembly.GetManifestResourceStream("compositions.txt")!);
        return lines.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .ToDictionary(line => (line[1], line[2]), line => line[0]);
    });

    /// <summary>Composes every letter of a name that can be composed: Unicode's form C, for marks in their usual order.</summary>
    public static string Composed(string name)
    {
        if (name.All(char.IsAscii))
            return name;
        var composed = new StringBuilder(name.Length);
        foreach (var letter in name)
        {
            if (composed.Length > 0 && Pair(composed[^1], letter) is { } one)
                composed[^1] = one;
            else
                composed.Append(letter);
        }
        return composed.ToString();
    }

    private static char? Pair(char first, char second)
    {
        if (first - LeadBase is >= 0 and < 19 and var lead && second - VowelBase is >= 0 and < Vowels and var vowel)
            return (char)(HangulBase + (lead * Vowels + vowel) * Tails);
        if (first - HangulBase is >= 0 and < 11172 and var syllable && syllable % Tails == 0
            && second - TailBase is > 0 and < Tails and var tail)
            return (char)(first + tail);
        return Pairs.Value.TryGetValue((first, second), out var one) ? one : null;
    }
}
