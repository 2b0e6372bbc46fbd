namespace Patchwork.Evaluation;

/// <summary>
/// The boxes around the foreground of a score map, at every threshold of the protocol: all that the accuracies need from a map.
/// </summary>
public sealed class MapBoxes
{
    /// <summary>The threshold of the paper: 0.15 of the largest value.</summary>
    public const double PaperThreshold = 0.15;

    /// <summary>Number of thresholds of the protocol: 0, 0.01, … 0.99 of the largest value.</summary>
    internal const int Thresholds = 100;

    private readonly (InclusiveBox Largest, IReadOnlyList<InclusiveBox> All)[] boxes =
        new (InclusiveBox, IReadOnlyList<InclusiveBox>)[Thresholds];
    private readonly InclusiveBox paper;

    private MapBoxes(Contours contours)
    {
        var before = -1;
        for (var t = 0; t < Thresholds; t++)
        {
            var level = contours.Level(t * 0.01);
            boxes[t] = level == before ? boxes[t - 1] : Of(contours.At(t * 0.01));
            before = level;
        }
        paper = Contours.Largest(contours.At(PaperThreshold));

        static (InclusiveBox, IReadOnlyList<InclusiveBox>) Of(IReadOnlyList<Contour> found) =>
            (Contours.Largest(found), found.Count == 0 ? [default] : [.. found.Select(contour => contour.Box)]);
    }

    /// <summary>Finds the boxes of a map. Thread-safe, so that many maps can be processed in parallel.</summary>
    /// <param name="map">Score map of the true class, height · width values in [0, 1].</param>
    /// <param name="height">Rows of the map.</param>
    /// <param name="width">Columns of the map.</param>
    public static MapBoxes Of(ReadOnlySpan<float> map, int height, int width) => new(new Contours(map, height, width));

    /// <summary>Computes the overlaps of the boxes with those of an image's objects.</summary>
    /// <param name="objects">The objects' boxes, in pixels of the map; at least one.</param>
    public MapOverlaps Overlaps(IReadOnlyList<InclusiveBox> objects)
    {
        if (objects.Count == 0)
            throw new ArgumentException("An image must have at least one object box. Received: none.");
        var (largest, any) = (new double[Thresholds], new double[Thresholds]);
        for (var t = 0; t < Thresholds; t++)
        {
            (largest[t], any[t]) = t > 0 && ReferenceEquals(boxes[t].All, boxes[t - 1].All) ? (largest[t - 1], any[t - 1])
                : (Overlap(boxes[t].Largest), boxes[t].All.Max(Overlap));
        }
        return new MapOverlaps(Overlap(paper), largest, any);

        double Overlap(InclusiveBox box) => objects.Max(box.IoU);
    }
}

/// <summary>Overlaps (IoU) of the boxes of one score map with those of an image.</summary>
/// <param name="AtPaperThreshold">Of the largest contour at the paper's threshold.</param>
/// <param name="Largest">Of the largest contour at each of 100 thresholds.</param>
/// <param name="Any">Of the best contour at each threshold.</param>
public sealed record MapOverlaps(double AtPaperThreshold, IReadOnlyList<double> Largest, IReadOnlyList<double> Any)
{
    /// <summary>Whether the place is right at the paper's threshold: an IoU of at least 0.5.</summary>
    public bool IsFound => AtPaperThreshold >= 0.5;
}
