using System.Globalization;
using Patchwork.Plans;

namespace Patchwork.Reporting;

/// <summary>What one network sees in a picture: a class, where it sees it, and how sure it is.</summary>
/// <param name="Class">The class that was asked about, or the predicted one.</param>
/// <param name="Probability">Softmax probability of that class, 0 to 1.</param>
/// <param name="Map">What each place speaks for the class.</param>
/// <param name="Box">The box of the object by the map, in its pixels; empty where there is none.</param>
public sealed record Activation(string Class, double Probability, HeatMap Map, Box Box)
{
    /// <summary>The layer of a Grad-CAM; null, the default: the class activation map of the last features.</summary>
    public string? Layer { get; init; }

    /// <summary>"circle 93.1 %".</summary>
    internal string Answer => string.Create(CultureInfo.InvariantCulture, $"{Class} {100 * Probability:0.0} %");

    /// <summary>Which map it is.</summary>
    internal string Kind => Layer is null ? "class activation map" : $"Grad-CAM at {Layer}";
}

/// <summary>A picture and what each of some networks sees in it.</summary>
/// <param name="Picture">What the networks were given, of the maps' size.</param>
/// <param name="Caption">Below the picture: its class or its file.</param>
/// <param name="Activations">One for each of the sheet's networks.</param>
public sealed record ActivationRow(Picture Picture, string Caption, IReadOnlyList<Activation> Activations)
{
    /// <summary>The object's true box, drawn dashed; none by default.</summary>
    public Box TrueBox { get; init; }
}

/// <summary>
/// A sheet that shows what networks look at: a row a picture, and for each network its heat map over the picture with the box by it, class
/// and probability below (figure 1 of the CutMix paper); or, with <see cref="Stages"/>, each step as a picture of its own.
/// </summary>
public sealed record ActivationSheet
{
    /// <summary>The headline.</summary>
    public required string Title { get; init; }

    /// <summary>A sentence below the headline, before the one that explains colours and lines; none by default.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>The networks' names, as many as each row has activations; "" where there is one and nothing to tell it from.</summary>
    public required IReadOnlyList<string> Networks { get; init; }

    /// <summary>The pictures, at least one.</summary>
    public required IReadOnlyList<ActivationRow> Rows { get; init; }

    /// <summary>Heat map, overlay and box as three pictures; by default one, the overlay with its box.</summary>
    public bool Stages { get; init; }

    /// <summary>Draws the sheet as a PNG; small pictures are enlarged by whole pixels to at least 160.</summary>
    /// <exception cref="ArgumentException">No picture, or a row that has not an activation for each network.</exception>
    public byte[] Png()
    {
        if (Rows.FirstOrDefault(row => row.Activations.Count != Networks.Count) is { } other)
            throw new ArgumentException($"A row must have an activation for each of the {Networks.Count} networks. Received: "
                + $"{other.Activations.Count} for {other.Caption}.");
        return new PreviewSheet
        {
            Title = Title,
            Subtitle = string.Join(" ", ((string[])[Subtitle, Legend()]).Where(part => part.Length > 0)),
            Columns = ["original", .. Networks.SelectMany(Headings)],
            Rows = [.. Rows.Select(row => new PreviewRow("", "", [Original(row), .. row.Activations.SelectMany(one => Cells(row, one))]))],
        }.Png();
    }

    private string Legend() => "Heat: dark 0, pale yellow 1." + (Stages ? "" : " White: the box by the map.")
        + (Rows.Any(row => !row.TrueBox.IsEmpty) ? " Dashed: the true box." : "");

    private string[] Headings(string network) => !Stages ? [network]
        : [.. ((string[])["heat map", "overlay", "box"]).Select(stage => network.Length > 0 ? $"{network}: {stage}" : stage)];

    private static PreviewCell Original(ActivationRow row) => new(row.Picture, row.Caption) { Outlines = [Truth(row)] };

    private PreviewCell[] Cells(ActivationRow row, Activation seen)
    {
        Outline[] boxes = [new(seen.Box), Truth(row)];
        var overlay = new PreviewCell(seen.Map.Over(row.Picture), seen.Answer);
        return !Stages ? [overlay with { Outlines = boxes }]
            : [new(seen.Map.ToPicture(), seen.Kind), overlay, new PreviewCell(row.Picture, Where(seen.Box)) { Outlines = boxes }];
    }

    private static Outline Truth(ActivationRow row) => new(row.TrueBox, Dashed: true);

    private static string Where(Box box) =>
        box.IsEmpty ? "nothing stands out" : $"rows {box.Top}-{box.Bottom}, columns {box.Left}-{box.Right}";
}
