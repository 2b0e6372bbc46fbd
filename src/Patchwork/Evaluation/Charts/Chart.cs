namespace Patchwork.Evaluation;

/// <summary>
/// The content of a chart, as data: a <see cref="LineChart"/>, several in a <see cref="ChartRow"/>, a <see cref="DotChart"/>, a
/// <see cref="HeatChart"/> or a <see cref="MatrixChart"/>.
/// </summary>
public abstract record Chart
{
    private protected Chart() { }
}

/// <summary>One point of a curve.</summary>
/// <param name="X">Its position on the x axis.</param>
/// <param name="Mean">Its position on the y axis.</param>
/// <param name="StandardDeviation">Half the height of the band around it; NaN or 0 for none.</param>
public readonly record struct ChartPoint(double X, double Mean, double StandardDeviation = double.NaN);

/// <summary>One curve.</summary>
/// <param name="Name">Its name in the legend.</param>
/// <param name="Points">Its points in order of X. A point that is not finite interrupts the curve.</param>
public sealed record ChartSeries(string Name, IReadOnlyList<ChartPoint> Points)
{
    /// <summary>Whether this is a reference line for the other curves, drawn thin and grey. Default false.</summary>
    public bool Reference { get; init; }
}

/// <summary>Curves over a common axis.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="XTitle">Title of the x axis, with its unit.</param>
/// <param name="YTitle">Title of the y axis, with its unit.</param>
/// <param name="Series">The curves.</param>
/// <param name="Description">Text for screen readers; empty, the default, lists title, axes and curves.</param>
public sealed record LineChart(string Title, string XTitle, string YTitle, IReadOnlyList<ChartSeries> Series, string Description = "")
    : Chart
{
    /// <summary>The lower bound of y, below which no band is drawn. Default: none.</summary>
    public double Least { get; init; } = double.NegativeInfinity;

    /// <summary>The upper bound of y, above which no band is drawn. Default: none.</summary>
    public double Most { get; init; } = double.PositiveInfinity;
}

/// <summary>A group of columns under one heading.</summary>
/// <param name="Title">The heading.</param>
/// <param name="Columns">The columns' names.</param>
/// <param name="Values">One row of values for each of the chart's rows; NaN leaves a cell empty.</param>
public sealed record HeatGroup(string Title, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<double>> Values);

/// <summary>A table of numbers with each cell tinted by its value.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Rows">Names of the rows.</param>
/// <param name="Groups">The columns.</param>
/// <param name="Description">Text for screen readers.</param>
public sealed record HeatChart(string Title, IReadOnlyList<string> Rows, IReadOnlyList<HeatGroup> Groups, string Description) : Chart;

/// <summary>A confusion matrix: how often images of each class were predicted as each class.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="Names">Names of the classes.</param>
/// <param name="Counts">Number of images by true class (row) and predicted class (column).</param>
public sealed record MatrixChart(string Title, IReadOnlyList<string> Names, IReadOnlyList<IReadOnlyList<double>> Counts) : Chart;

/// <summary>Small charts side by side for comparison; they wrap on narrow pages.</summary>
/// <param name="Charts">The charts, from left to right.</param>
public sealed record ChartRow(IReadOnlyList<LineChart> Charts) : Chart;

/// <summary>A row of a <see cref="DotChart"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Values">The values, at least one; each is drawn as a dot.</param>
public sealed record DotRow(string Name, IReadOnlyList<double> Values);

/// <summary>Values as dots in rows over a common axis, with the mean of each row marked and written next to it.</summary>
/// <param name="Title">Its heading.</param>
/// <param name="ValueTitle">Title of the axis, with its unit.</param>
/// <param name="Rows">The rows, from top to bottom.</param>
public sealed record DotChart(string Title, string ValueTitle, IReadOnlyList<DotRow> Rows) : Chart
{
    /// <summary>A reference value, drawn as a dashed line through all rows. Default: none.</summary>
    public double? Reference { get; init; }
}
