using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// Errors as a table of tinted numbers: one row per kind of corruption, and for each method one column per severity. Rows of the tables
/// <c>errors</c> and <c>published_errors</c> are [index of the kind, error at severity 1, …, 5].
/// </summary>
internal sealed record CorruptionTable : SuiteChart
{
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods) =>
        ((string[])["errors", "published_errors"]).Where(table => methods.All(method => method.Has(table)))
            .Select(table => Table(table, methods));

    private static HeatChart Table(string table, IReadOnlyList<MeasuredMethod> methods)
    {
        var rows = methods[0].Tables(table)[0];
        string[] severities = [.. Enumerable.Range(1, rows[0].Length - 1)
            .Select(severity => severity.ToString(CultureInfo.InvariantCulture))];
        return new HeatChart(
            "Error under corruption, %, by severity",
            [.. rows.Select(row => CorruptionSuite.Kinds[(int)row[0]].Replace('_', ' '))],
            [.. methods.Select(method => new HeatGroup(method.Method, severities, Errors(method.Tables(table))))],
            $"Table of errors in percent: a row for each of {rows.Length} kinds of corruption, and for each of "
            + $"{string.Join(", ", methods.Select(method => method.Method))} a column for each severity from 1 to 5.");
    }

    private static double[][] Errors(IReadOnlyList<double[][]> seeds) => [.. seeds[0].Select((row, kind) =>
        row.Skip(1).Select((_, severity) => 100 * seeds.Average(rows => rows[kind][severity + 1])).ToArray())];
}
