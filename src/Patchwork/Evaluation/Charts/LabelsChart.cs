using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// Average precision, precision, recall and F1 of each label in percent, a group of columns for each method, means over the seeds.
/// </summary>
/// <param name="Table">Name of the table, rows [class, images, average precision, its ends, precision, recall, F1].</param>
/// <param name="Title">Its heading.</param>
public sealed record LabelsChart(string Table, string Title) : SuiteChart
{
    private static readonly (string Name, int Column)[] Columns = [("AP", 2), ("precision", 5), ("recall", 6), ("F1", 7)];

    /// <inheritdoc/>
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods)
    {
        if (!methods.All(method => method.Has(Table)) || methods[0].Tables(Table)[0] is not { } first
            || methods[0].ClassNames.Count != first.Length)
            return [];
        string[] rows = [.. methods[0].ClassNames.Select((name, k) =>
            $"{name} ({first[k][1].ToString("N0", CultureInfo.InvariantCulture)})")];
        string[] columns = [.. Columns.Select(column => column.Name)];
        return [new HeatChart($"{Title}, %", rows, [.. methods.Select(method => new HeatGroup(
            methods.Count == 1 ? "" : method.Method, columns,
            [.. rows.Select((_, k) => (double[])[.. Columns.Select(column => 100 * Mean(method, k, column.Column))])]))],
            $"{Title} in percent for {rows.Length} labels and {methods.Count} methods.")];
    }

    private double Mean(MeasuredMethod method, int row, int column) =>
        method.Tables(Table).Select(table => table[row][column]).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
}
