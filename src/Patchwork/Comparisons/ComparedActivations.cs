using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Comparisons;

/// <summary>
/// Shows what the networks of a comparison look at in the same test images: the maps of the true class, as in figure 1 of the CutMix paper.
/// Each method is represented by the run of its first seed.
/// </summary>
/// <param name="comparison">The runs.</param>
/// <param name="test">Their test set.</param>
internal sealed class ComparedActivations(ComparisonResult comparison, Dataset test)
{
    private const int Images = 5;

    /// <summary>
    /// Creates one section with the sheet, or with a sentence if no map can be made: a finished comparison must still get its report.
    /// </summary>
    public ReportSection Section()
    {
        const string title = "What each network looks at";
        if (test.IsMultiLabel)
            return new(title, [HtmlFragment.Paragraph("For images with several labels, use patchwork explain on one image at a time.")]);
        try
        {
            return new(title, [Sheet()]);
        }
        catch (InputException error)
        {
            return new(title, [HtmlFragment.Paragraph($"No maps are available: {error.Message}")]);
        }
    }

    private HtmlFragment Sheet()
    {
        // The first image of each of the first classes, so that no image is hand-picked.
        var ids = Enumerable.Range(0, test.Count).DistinctBy(test.Label).OrderBy(test.Label).Take(Images).ToArray();
        using var scope = NewDisposeScope();
        using var loader = new BatchLoader(new Subset(test, ids), new SeedStream(0), LoaderOptions.Evaluation(ids.Length));
        var images = loader.Epoch(0).First().Images.clone();      // (N, C, H, W), normalized
        var seen = comparison.Methods.Select(method => Seen(comparison.Of(method).First(), images, ids)).ToArray();
        var sheet = new ActivationSheet
        {
            Title = seen[0][0].Activation.IsAttention ? "Where each network looks" : "Evidence for the true class",
            Subtitle = "Below: the probability that the network gives the true class.",
            Networks = [.. comparison.Methods],
            Rows = [.. ids.Select((id, row) =>
                new ActivationRow(seen[0][row].Picture, test.ClassNames[test.Label(id)],
                [.. seen.Select(one => one[row].Activation)]) { TrueBox = test.ObjectBox(id) ?? default })],
        };
        return HtmlFragment.Image(sheet.Png(),
            $"Sheet of {ids.Length} test images; for each of {string.Join(", ", comparison.Methods)} the "
                + $"{seen[0][0].Activation.Kind} over the image, with its box.");
    }

    private Explanation[] Seen(ComparedRun run, Tensor images, int[] ids)
    {
        var folder = RunFolder.Open(run.Folder);
        var device = NativeLibraries.Device(folder.Recipe.Device);
        using var network = folder.LoadNetwork(folder.Checkpoints.LastWeights, device);
        return [.. ids.Select((id, row) =>
            Explanation.Of(network, images.narrow(0, row, 1).to(device), test.Normalization, test.ClassNames, test.Label(id)))];
    }
}
