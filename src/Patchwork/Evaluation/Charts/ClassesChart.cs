using System.Globalization;

namespace Patchwork.Evaluation;

/// <summary>
/// Numbers of each class in percent, a group of columns for each method, means over the seeds; beside each class the number of its test
/// images.
/// </summary>
/// <param name="Table">Name of the table, rows [class, images, …].</param>
/// <param name="Title">Its heading.</param>
/// <param name="Columns">What is shown of a row.</param>
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

    // The same for every seed, or those of all folds together.
    private double Images(MeasuredMethod method, int row) => method.OtherImages ? method.Tables(Table).Sum(table => table[row][1])
        : method.Tables(Table)[0][row][1];

    private double Mean(MeasuredMethod method, int row, int column) =>
        method.Tables(Table).Select(table => table[row][column]).Where(double.IsFinite).DefaultIfEmpty(double.NaN).Average();
}

/// <summary>A column of a <see cref="ClassesChart"/>.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Index">Which number of a row of the table it shows, from 0.</param>
public sealed record ClassColumn(string Title, int Index);
