namespace Patchwork.Evaluation;

/// <summary>
/// One confusion matrix per method: the share of each true class (row) that was predicted as each class (column), over the images of all
/// seeds.
/// </summary>
/// <param name="Table">Name of the table, which has one row of counts per true class.</param>
/// <param name="Title">Its heading.</param>
public sealed record ConfusionChart(string Table, string Title) : SuiteChart
{
    /// <inheritdoc/>
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods) =>
        from method in methods
        where method.Has(Table) && method.ClassNames.Count == method.Tables(Table)[0].Length
        let tables = method.Tables(Table)
        let sums = tables[0].Select((row, k) => row.Select((_, c) => tables.Sum(table => table[k][c])).ToArray()).ToArray()
        select (Chart)new MatrixChart(methods.Count == 1 ? Title : $"{Title}: {method.Method}", method.ClassNames, sums);
}
