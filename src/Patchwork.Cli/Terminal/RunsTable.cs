using System.Globalization;
using Patchwork.Evaluation;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// The runs of a comparison as a text table: one row per method, one column per seed. A cell shows the trained share, then the test error.
/// </summary>
/// <param name="methods">The methods, one per row.</param>
/// <param name="seeds">The seeds, one per column.</param>
/// <param name="label">Returns the label of a run.</param>
internal sealed class RunsTable(IReadOnlyList<string> methods, IReadOnlyList<ulong> seeds, Func<string, ulong, string> label)
{
    private const int Mean = 14;
    private const int Longest = 6;      // 100.00
    private const string Heading = "test error, %";

    private readonly Dictionary<string, double> errors = [];

    private int Cell => Math.Max(Longest, seeds.Max(seed => Title(seed).Length));

    private int NameWidth => methods.Append(Heading).Max(name => name.Length);

    /// <summary>The number of characters per line.</summary>
    public int Width => NameWidth + seeds.Count * (Cell + 2) + (seeds.Count > 1 ? Mean + 2 : 0);

    /// <summary>Records the test error of a finished run, in percent.</summary>
    public void Finish(string run, double error) => errors[run] = error;

    /// <summary>The heading, followed by one line per method.</summary>
    /// <param name="shares">The trained share of each run, 0 to 1.</param>
    public IReadOnlyList<string> Lines(IReadOnlyDictionary<string, double> shares) =>
    [
        Line(Heading, seeds.Select(Title), "mean ± sd"),
        .. methods.Select(method => Line(method, seeds.Select(seed => Text(label(method, seed), shares)), Average(method))),
    ];

    private static string Title(ulong seed) => $"seed {seed}";

    private string Line(string name, IEnumerable<string> cells, string mean) => string.Concat(
        [name.PadRight(NameWidth), .. cells.Select(cell => cell.PadLeft(Cell + 2)), seeds.Count > 1 ? mean.PadLeft(Mean + 2) : ""]);

    private string Text(string run, IReadOnlyDictionary<string, double> shares) =>
        errors.TryGetValue(run, out var error) ? error.ToString("F2", CultureInfo.InvariantCulture)
        : shares[run] > 0 ? shares[run].ToString("P0", CultureInfo.InvariantCulture)
        : "-";

    private string Average(string method)
    {
        double[] known = [.. seeds.Select(seed => label(method, seed)).Where(errors.ContainsKey).Select(run => errors[run])];
        return known.Length == 0 ? "-" : Statistic.Of(known).ToString();
    }
}
