using System.Globalization;
using Patchwork.Plans;

namespace Patchwork.Reporting;

/// <summary>One network's answer for a picture: a class, its probability, and where the network sees it.</summary>
/// <param name="Class">The requested class, or the predicted one.</param>
/// <param name="Probability">Softmax probability of that class, 0 to 1.</param>
/// <param name="Map">How strongly each position supports the class.</param>
/// <param name="Box">The object's box according to the map, in pixels of the map; empty if there is none.</param>
public sealed record Activation(string Class, double Probability, HeatMap Map, Box Box)
{
    /// <summary>The layer of a Grad-CAM; null, the default, for the class activation map of the last features.</summary>
    public string? Layer { get; init; }

    /// <summary>The class and its probability as text, such as "circle 93.1 %".</summary>
    internal string Answer => string.Create(CultureInfo.InvariantCulture, $"{Class} {100 * Probability:0.0} %");

    /// <summary>The kind of map, as a caption.</summary>
    /// <summary>Whether the map is a transformer's attention, which does not depend on the class. Default false.</summary>
    public bool IsAttention { get; init; }

    internal string Kind => Layer is not null ? $"Grad-CAM at {Layer}"
        : IsAttention ? "attention" : "class activation map";
}

/// <summary>A picture and the answers of one or more networks for it.</summary>
/// <param name="Picture">The networks' input, of the same size as the maps.</param>
/// <param name="Caption">The text below the picture: its class or its file.</param>
/// <param name="Activations">One activation for each of the sheet's networks, in their order.</param>
public sealed record ActivationRow(Picture Picture, string Caption, IReadOnlyList<Activation> Activations)
{
    /// <summary>The object's true box, drawn dashed; none by default.</summary>
    public Box TrueBox { get; init; }
}

/// <summary>
/// A sheet that shows what networks look at, with one row per picture. For each network it shows the heat map over the picture and the box
/// derived from it, with class and probability below (figure 1 of the CutMix paper); with <see cref="Stages"/>, each step is a separate
/// picture.
/// </summary>
public sealed record ActivationSheet
{
    /// <summary>The headline.</summary>
    public required string Title { get; init; }

    /// <summary>A sentence below the headline, before the one that explains colours and lines; none by default.</summary>
    public string Subtitle { get; init; } = "";

    /// <summary>The networks' names, one per activation of a row; "" for a single network that needs no name.</summary>
    public required IReadOnlyList<string> Networks { get; init; }

    /// <summary>The pictures, at least one.</summary>
    public required IReadOnlyList<ActivationRow> Rows { get; init; }

    /// <summary>Whether heat map, overlay and box are three pictures. Default false: one picture, the overlay with its box.</summary>
    public bool Stages { get; init; }

    /// <summary>Draws the sheet as a PNG; small pictures are enlarged by a whole factor to a width of at least 160 pixels.</summary>
    /// <exception cref="ArgumentException">There are no pictures, or a row does not have one activation per network.</exception>
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

    private string Legend() => "Heat map: dark is 0, pale yellow is 1." + (Stages ? "" : " White: the box from the map.")
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
        box.IsEmpty ? "no box found" : $"rows {box.Top}-{box.Bottom}, columns {box.Left}-{box.Right}";
}
