using System.Globalization;
using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Reporting;
using static TorchSharp.torch;

namespace Patchwork.Recipes;

/// <summary>
/// A sheet that shows what a method does to the pictures of a data set: original, partner, mixed and difference, with λ, box and labels.
/// </summary>
public static class MixingPreview
{
    /// <summary>Draws the sheet as PNG.</summary>
    /// <param name="mixer">The method; every image gets a λ and a box of its own, so that a sheet shows many.</param>
    /// <param name="dataset">Where the pictures come from.</param>
    /// <param name="seeds">Decides pictures and plans.</param>
    /// <param name="count">Rows. Range: at least 1.</param>
    /// <param name="objects">Outline the objects: before mixing, and what the plan leaves of them. The set must know their boxes.</param>
    /// <exception cref="InputException">Objects are asked for, and the set does not know them.</exception>
    public static byte[] Draw(Mixer mixer, Dataset dataset, SeedStream seeds, int count, bool objects = false)
    {
        using var scope = NewDisposeScope();
        mixer = mixer with { Scope = Scope.Example, Partners = Partners.Derangement, Probability = 1 };
        using var loader = new BatchLoader(dataset, seeds, new LoaderOptions { BatchSize = Math.Min(Math.Max(count, 2), dataset.Count), Threads = 0 });
        var batch = loader.Epoch(0).First();
        var mixed = mixer.Mix(batch, seeds.Open("mix"));
        var before = Picture.FromBatch(NormalizedPictures.Restore(batch.Images, dataset.Normalization));
        var after = Picture.FromBatch(NormalizedPictures.Restore(mixed.Images, dataset.Normalization));
        Picture[] difference = [.. after.Select((picture, i) => picture.Difference(before[i]))];
        if (objects)
        {
            var known = Objects(dataset, batch.Ids);
            var left = LabeledObject.Mix(known, mixed.Plan!, mixer.MinVisible);
            after = [.. after.Select((picture, i) => picture.Outlined(left[i].Select(one => one.Box)))];
            before = [.. before.Select((picture, i) => picture.Outlined(known[i].Select(one => one.Box)))];
        }
        var rows = Enumerable.Range(0, Math.Min(count, batch.Count)).Select(i => Row(i, mixed.Plan!, batch, dataset, before, after, difference));
        return new PreviewSheet
        {
            Title = $"{Methods.Find(mixer.Id).Name} on {dataset.Count:N0} training images",
            Subtitle = string.Create(CultureInfo.InvariantCulture, $"x = M⊙a + (1-M)⊙b, y = λ·a + (1-λ)·b, λ counted in pixels; α {mixer.Alpha}, seed {seeds.Seed}"),
            Columns = ["a: original", "b: partner", "mixed", "|mixed - original|"],
            Rows = [.. rows],
        }.Png();
    }

    private static LabeledObject[][] Objects(Dataset dataset, IReadOnlyList<int> ids) =>
    [
        .. ids.Select(id => dataset.ObjectBox(id) is { } box
            ? new[] { new LabeledObject(dataset.Label(id), box) { Mask = dataset.ObjectMask(id) is { IsEmpty: false } mask ? mask.ToArray() : null } }
            : throw new InputException("The objects of this data set are not known. Leave --objects away, or choose shapes or tinyimagenet.")),
    ];

    private static PreviewRow Row(int i, MixPlan plan, Batch batch, Dataset dataset, IReadOnlyList<Picture> before, IReadOnlyList<Picture> after,
        Picture[] difference)
    {
        var image = plan.Images[i];
        var box = ((BoxRegion)image.Region).Box;
        string Class(int row) => dataset.ClassNames[dataset.Label(batch.Ids[row])];
        var label = string.Create(CultureInfo.InvariantCulture, $"{image.Lambda:0.00} {Class(i)}\n{1 - image.Lambda:0.00} {Class(image.Partner)}");
        return new PreviewRow(string.Create(CultureInfo.InvariantCulture, $"λ = {image.Lambda:0.0000}"),
            box.IsEmpty ? "no pixel" : $"rows {box.Top}-{box.Bottom}, columns {box.Left}-{box.Right}",
            [
                new PreviewCell(before[i], Class(i)),
                new PreviewCell(before[image.Partner], Class(image.Partner)),
                new PreviewCell(after[i], label),
                new PreviewCell(difference[i], box.IsEmpty ? "nothing pasted" : $"{box.Height}×{box.Width} pixels"),
            ]);
    }
}
