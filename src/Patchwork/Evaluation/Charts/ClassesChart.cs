using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// Metrics of each class in percent, averaged over the seeds, with one group of columns per method; each class is followed by the number of
/// its test images.
/// </summary>
/// <param name="Table">Name of the table, rows [class, images, …].</param>
/// <param name="Title">Its heading.</param>
/// <param name="Columns">The numbers of a row that are shown.</param>
public sealed record ClassesChart(string Table, string Title, IReadOnlyList<ClassColumn> Columns) : SuiteChart
{
    /// <inheritdoc/>
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods)
    {
        if (!methods.All(method => method.Has(Table)) || methods[0].Tables(Table)[0] is not { } first
            || methods[0].ClassNames.Count != first.Length)
            return [];
        string[] rows = [.. methods[0].ClassNames.Select((name, k) =>
            $"{name} ({Images(methods[0], k).ToString("N0", CultureInfo.InvariantCulture)})")];
        string[] titles = [.. Columns.Select(column => column.Title)];
        return [new HeatChart($"{Title}, %", rows, [.. methods.Select(method => new HeatGroup(
            methods.Count == 1 ? "" : method.Method, titles,
            [.. rows.Select((_, k) => (double[])[.. Columns.Select(column => 100 * Mean(method, k, column.Index))])]))],
            $"{Title} in percent for {rows.Length} classes and {methods.Count} methods.")];
    }

    // Equal for all seeds; summed if each seed has its own test images.
    private double Images(MeasuredMethod method, int row) => method.OtherImages ? method.Tables(Table).Sum(table => table[row][1])
        : method.Tables(Table)[0][row][1];

    private double Mean(MeasuredMethod method, int row, int column) =>
        method.Tables(Table).Select(table => table[row][column]).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
}

/// <summary>A column of a <see cref="ClassesChart"/>.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Index">Index of the number in a row of the table that it shows, from 0.</param>
public sealed record ClassColumn(string Title, int Index);
