namespace Patchwork.Evaluation;

/// <summary>The results of a suite for one method.</summary>
/// <param name="Method">The method.</param>
/// <param name="Results">One result per seed, at least one.</param>
public sealed record MeasuredMethod(string Method, IReadOnlyList<SuiteResult> Results)
{
    /// <summary>Names of the classes; empty if they are not known.</summary>
    public IReadOnlyList<string> ClassNames { get; init; } = [];

    /// <summary>Whether each seed has its own test images, as in cross-validation. Default false.</summary>
    public bool OtherImages { get; init; }

    /// <summary>Returns whether every seed has a table.</summary>
    public bool Has(string table) => Results.All(result => result.Tables.ContainsKey(table));

    /// <summary>Returns a table of every seed.</summary>
    /// <exception cref="KeyNotFoundException">A seed does not have it.</exception>
    public IReadOnlyList<double[][]> Tables(string table) => [.. Results.Select(result => result.Tables[table])];
}

/// <summary>
/// Charts that compare the results of a suite for several methods. The most common one is a <see cref="CurveChart"/>; a suite may define
/// its own.
/// </summary>
public abstract record SuiteChart
{
    /// <summary>Returns the charts, as data; none if the results lack the tables that they show.</summary>
    /// <param name="methods">The methods in the order of the report, at least one, each with the same suite's results.</param>
    public abstract IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods);
}

/// <summary>
/// One curve per method from a table of rows [x, y], whose x values are the same in every result: the mean over the seeds, with their
/// sample standard deviation as a band.
/// </summary>
/// <param name="Table">Name of the table.</param>
/// <param name="Title">Its heading.</param>
/// <param name="XTitle">Title of the x axis, with its unit.</param>
/// <param name="YTitle">Title of the y axis, with its unit.</param>
public sealed record CurveChart(string Table, string Title, string XTitle, string YTitle) : SuiteChart
{
    /// <summary>Factor of x. Default 1.</summary>
    public double XScale { get; init; } = 1;

    /// <summary>Factor of y. Default 100, which shows a share in percent.</summary>
    public double YScale { get; init; } = 100;

    /// <inheritdoc/>
    public override IEnumerable<Chart> Of(IReadOnlyList<MeasuredMethod> methods) =>
        methods.All(method => method.Has(Table)) ? [Over(methods)] : [];

    internal LineChart Over(IReadOnlyList<MeasuredMethod> methods)
    {
        var isShare = YScale == 100;      // a mean near an end has a band that reaches beyond what is possible
        return new(Title, XTitle, YTitle, [.. methods.Select(Series)])
        {
            Least = isShare ? 0 : double.NegativeInfinity,
            Most = isShare ? 100 : double.PositiveInfinity,
        };
    }

    private ChartSeries Series(MeasuredMethod method)
    {
        var curves = method.Tables(Table);
        return new ChartSeries(method.Method, [.. curves[0].Select((row, i) =>
        {
            var value = Statistic.Of(curves.Select(curve => YScale * curve[i][1]));
            return new ChartPoint(XScale * row[0], value.Mean, value.StandardDeviation);
        })]);
    }
}
