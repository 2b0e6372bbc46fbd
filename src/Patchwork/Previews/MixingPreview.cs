using System.Globalization;
using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Reporting;
using Patchwork.Saliency;
using static TorchSharp.torch;

namespace Patchwork.Previews;

/// <summary>
/// Draws a sheet that shows what methods do to the pictures of a data set: original, partner, result and difference, with λ, region and
/// labels. Methods that do not change pixels are shown on features, branches and label vectors.
/// </summary>
public static class MixingPreview
{
    private static readonly string[] Columns = ["a: original", "b: partner", "what the network sees", "|difference from a|"];

    /// <summary>Draws the sheet of one method, or of several used together, as PNG, with one row per picture.</summary>
    /// <param name="stack">
    /// The methods. Every image is changed and gets its own λ and region, so that one sheet shows many of them; the subtitle says where
    /// this differs from training. If none of the methods changes pixels, each has its own rows.
    /// </param>
    /// <param name="dataset">The data set that provides the pictures.</param>
    /// <param name="seeds">Randomness of the pictures and the plans.</param>
    /// <param name="count">Number of rows. Range: at least 1.</param>
    /// <param name="objects">
    /// Whether to outline the objects and darken everything outside their masks, before mixing and as far as the plan keeps them. The data
    /// set must provide their boxes.
    /// </param>
    /// <param name="model">The network that methods use to plan, or whose features they change; null for an untrained one that fits them,
    /// a ResNet-8 or a CCT-2/3×2, which methods that it does not fit use too.</param>
    /// <param name="preset">Name of the preset that the options are based on, for the headline; null for none.</param>
    /// <exception cref="InputException">
    /// There is no method, or objects are requested although no method changes pixels or the data set does not provide them.
    /// </exception>
    public static byte[] Draw(MethodStack stack, Dataset dataset, SeedStream seeds, int count, bool objects = false, nn.Module<Tensor,
        Tensor>? model = null, string? preset = null)
    {
        using var scope = NewDisposeScope();
        if (!stack.ChangesPixels)
            return DrawHidden(stack, dataset, seeds, count, objects, model);
        var seen = Look(stack, dataset, seeds, Math.Max(Rows(stack, count), 2), objects, model);
        return new PreviewSheet
        {
            Title = $"{Methods.NameOf(stack)}{(preset is null ? "" : $", preset {preset},")} on {dataset.Count:N0} training images",
            Subtitle = stack.Mixer is { } mixer
                ? $"x = M⊙a + (1-M)⊙b, {Labels(seen.Plan)}; {string.Join(", ", [.. mixer.Facts, $"seed {seeds.Seed}"])}"
                : $"labels unchanged; seed {seeds.Seed}",
            Columns = Columns,
            Rows = [.. Enumerable.Range(0, Math.Min(count, seen.Own.Count)).Select(i => Row(seen, i, dataset, ""))],
        }.Png();
    }

    private static byte[] DrawHidden(MethodStack stack, Dataset dataset, SeedStream seeds, int count, bool objects, nn.Module<Tensor,
        Tensor>? model)
    {
        if (objects || stack.Methods.Count == 0)
            throw new InputException((objects ? "Objects can be outlined only if a method changes pixels." : "A preview needs a method.")
                + $" Received: {Methods.NameOf(stack)}. Choose another `Method`{(objects ? ", or omit `Objects`" : "")}.");
        using var fresh = Fits(model, NetworkNeed.FeatureMaps) ? null : Untrained(NetworkNeed.FeatureMaps, dataset, seeds);
        var hidden = new FeaturePreview(dataset, seeds, fresh ?? model!, Math.Max(count, 2));
        var rows = Enumerable.Range(0, Math.Min(count, hidden.Count)).ToArray();
        return new PreviewSheet
        {
            Title = $"{Methods.NameOf(stack)}, on features, branches or labels of {dataset.Count:N0} training images",
            Subtitle = $"seed {seeds.Seed}",
            Columns = stack.Methods.Count == 1 ? FeaturePreview.Columns(stack.Methods[0]) : Columns,
            Rows = [.. stack.Methods.SelectMany(method =>
                rows.Select(i => hidden.Row(method, i, stack.Methods.Count == 1 ? "" : Methods.Find(method.Id).Name)))],
        }.Png();
    }

    /// <summary>
    /// Draws one sheet with one row per method, on the same picture; methods that change no pixels come last, shown on features, branches
    /// or labels.
    /// </summary>
    /// <param name="stacks">The methods.</param>
    /// <param name="dataset">The data set that provides the picture.</param>
    /// <param name="seeds">Randomness of the picture and the plans.</param>
    /// <param name="model">The network that methods use to plan, or whose features they change; null for an untrained one that fits them,
    /// a ResNet-8 or a CCT-2/3×2, which methods that it does not fit use too.</param>
    public static byte[] DrawAll(IReadOnlyList<MethodStack> stacks, Dataset dataset, SeedStream seeds, nn.Module<Tensor, Tensor>? model =
        null)
    {
        using var scope = NewDisposeScope();
        using var fresh = Fits(model, NetworkNeed.FeatureMaps) ? null : Untrained(NetworkNeed.FeatureMaps, dataset, seeds);
        var hidden = new FeaturePreview(dataset, seeds, fresh ?? model!, 16);
        PreviewRow[] behind = [.. stacks.Where(stack => !stack.ChangesPixels)
            .SelectMany(stack => stack.Methods.Select(method => hidden.Row(method, 0, Methods.NameOf(stack))))];
        return new PreviewSheet
        {
            Title = $"What each method shows the network, on one of {dataset.Count:N0} training images",
            Subtitle =
                (behind.Length == 0 ? ""
                : $"The last {behind.Length} rows show methods that act on features, branches or labels; their captions say what the "
                + $"pictures show. ") + $"Seed {seeds.Seed}.",
            Columns = Columns,
            Rows = [.. stacks.Where(stack => stack.ChangesPixels)
                .Select(stack => Row(Look(stack, dataset, seeds, 16, objects: false, model), 0, dataset, Methods.NameOf(stack))),
                .. behind],
        }.Png();
    }

    /// <summary>
    /// Shows one training image and what each method makes of it. Of sixteen images it chooses the one of which the first methods keep a
    /// share nearest to one half, so that their effect is visible. Every method acts on this image; methods that give the same picture,
    /// for example because they differ only in how often they act, are shown once, with the name of the first.
    /// </summary>
    /// <param name="stacks">The methods, at least one; each must change pixels. Those beyond the last picture are not looked at.</param>
    /// <param name="dataset">The data set that provides the image.</param>
    /// <param name="seeds">Randomness of the image and the plans.</param>
    /// <param name="count">The most pictures after the original. Range: at least 1.</param>
    public static IReadOnlyList<StripPicture> Strip(IReadOnlyList<MethodStack> stacks, Dataset dataset, SeedStream seeds, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        using var scope = NewDisposeScope();
        Seen Of(MethodStack stack) => Look(stack, dataset, seeds, 16, objects: false, model: null);
        var seen = stacks.Take(count).Select(Of).ToArray();
        double Farthest(int row) => seen.Max(one => Math.Abs(one.Plan.Images[row].Region.KeptShare(one.Plan.Height, one.Plan.Width) - 0.5));
        var shown = Enumerable.Range(0, seen[0].Own.Count).MinBy(Farthest);
        return
        [
            new("Original", dataset.ClassOf(seen[0].Batch.Ids[shown]), seen[0].Plain[shown]),
            .. stacks.Zip(seen.Concat(stacks.Skip(count).Select(Of)), (stack, one) => new StripPicture(Methods.NameOf(stack),
                $"{Lambda(one.Plan.Images[shown])}: {Label(one, shown, dataset, ", ")}", one.After[shown]))
                .DistinctBy(one => (one.Caption, Convert.ToBase64String(one.Picture.Rgb))).Take(count),
        ];
    }

    // The content of a sheet: pictures before and after, and the plan that leads from one to the other.
    private sealed record Seen(IReadOnlyList<Picture> Plain, IReadOnlyList<Picture> Own, IReadOnlyList<Picture> Partners,
        IReadOnlyList<Picture> After, IReadOnlyList<Picture> Difference, Batch Batch, MixPlan Plan);

    private static Seen Look(MethodStack stack, Dataset dataset, SeedStream seeds, int count, bool objects, nn.Module<Tensor,
        Tensor>? model)
    {
        var acting = stack.OnEveryImage;
        var options = new LoaderOptions { BatchSize = Math.Min(count, dataset.Count), Threads = 0 };
        using var plainLoader = new BatchLoader(dataset, seeds, options);
        using var loader = new BatchLoader(dataset, seeds, options)
        {
            Erasers = [.. acting.OfType<Eraser>()],
        };
        IReadOnlyList<Picture> Pictures(Tensor images) => Picture.FromBatch(NormalizedPictures.Restore(images, dataset.Normalization));
        var plain = Pictures(plainLoader.Epoch(0).First().Images);
        // First, because a batch is valid only until the loader makes the next one.
        using var earlier = stack.Mixer?.Parts.OfType<IRecursiveMixer>().Any() == true ? Earlier(stack.Mixer, loader, seeds) : null;
        var batch = loader.Epoch(0).First();
        var erased = Pictures(batch.Images);
        if (acting.OfType<Mixer>().SingleOrDefault() is not { } mixer)
            return new(plain, plain, plain, erased, [.. erased.Select((picture, i) => picture.Difference(plain[i]))], batch,
                batch.Erased[0]);
        var weighers = mixer.Parts.OfType<ILabelWeigher>().ToArray();
        var runs = mixer.Needs == Needs.Model || weighers.Length > 0;
        using var fresh = !runs || Fits(model, mixer.NetworkNeed) ? null : Untrained(mixer.NetworkNeed, dataset, seeds);
        batch = batch with { Earlier = earlier };
        using var learned = mixer.Parts.OfType<ITrainedMixer>().FirstOrDefault()?.CreateMasks((ImageClassifier)(fresh ?? model!));
        var mixed = mixer.Mix(batch, mixer.Plan(MixContext.Of(batch.Images, seeds.Open("mix")) with
        {
            Earlier = earlier?.Count ?? 0,
            Masks = learned,
            Labels = batch.Labels,
            Model = fresh ?? model,
            ObjectMask = row => loader.ObjectMask(batch.Ids[row], 0),
        }));
        if (weighers.FirstOrDefault(one => one.Id == mixed.Plan!.Method) is { } weigher)
            mixed = Weighed(mixed, weigher, fresh ?? model!);
        var after = Pictures(mixed.Images);
        Picture[] difference = [.. after.Select((picture, i) => picture.Difference(erased[i]))];
        if (!objects)
            return new(plain, erased, [.. erased, .. earlier is null ? [] : Pictures(earlier.Images)], after, difference, batch,
                mixed.Plan!);
        var known = Objects(dataset, batch.Ids);
        var left = LabeledObject.Mix(known, mixed.Plan!, mixer.MinVisible);
        var masks = known.All(objects => objects.All(one => one.Mask is not null));
        Picture Marked(Picture picture, IReadOnlyList<LabeledObject> objects) =>
            (masks ? picture.Spotlit([.. objects.Select(one => one.Mask!)]) : picture).Outlined(objects.Select(one => one.Box));
        Picture[] before = [.. erased.Select((picture, i) => Marked(picture, known[i]))];
        return new(plain, before, before, [.. after.Select((picture, i) => Marked(picture, left[i]))], difference, batch, mixed.Plan!);
    }

    // The batch of the step before the one that is shown: the second of two, so that it is mixed too.
    private static EarlierBatch Earlier(Mixer mixer, BatchLoader loader, SeedStream seeds)
    {
        using var scope = NewDisposeScope();
        EarlierBatch? before = null;
        foreach (var epoch in (int[])[1, 2])
        {
            var batch = loader.Epoch(epoch).First() with { Earlier = before };
            var mixed = mixer.Parts.First(one => one is IRecursiveMixer).Mix(batch, seeds.Open("mix", epoch));
            using var logits = zeros(mixed.Count, loader.Dataset.ClassNames.Count);
            (var used, before) = (before, EarlierBatch.Of(mixed, logits));
            used?.Dispose();
        }
        return before!;
    }

    // The plan with the weights that the labels have after the forward pass.
    private static Batch Weighed(Batch mixed, ILabelWeigher weigher, nn.Module<Tensor, Tensor> model)
    {
        var plan = mixed.Plan!;
        using var attention = AttentionMap.AtPatches(model, mixed.Images);
        var targets = weigher.Weigh(mixed.Targets!, plan, [.. Enumerable.Range(0, mixed.Count)], attention);
        return mixed with
        {
            Targets = targets,
            Plan = new MixPlan(plan.Method, plan.Height, plan.Width,
                [.. plan.Images.Zip(targets.Lambdas, (image, lambda) => image with { Lambda = lambda })], plan.Stream),
        };
    }

    private static bool Fits(nn.Module<Tensor, Tensor>? model, NetworkNeed need) =>
        model is not null && need switch
        {
            NetworkNeed.Attention => model is IAttentive,
            NetworkNeed.FeatureMaps => model is ImageClassifier { HasFeatureMaps: true },
            _ => true,
        };

    private static ImageClassifier Untrained(NetworkNeed need, Dataset dataset, SeedStream seeds) => seeds.Network(() => ModelZoo.Create(
        need == NetworkNeed.Attention ? "cct-2-3x2" : "resnet8", dataset.ClassNames.Count, dataset.Channels, dataset.Height));

    // With reversed partners, the middle image of an odd batch would be its own partner.
    private static int Rows(MethodStack stack, int count) =>
        stack.Mixer is BetaMixer { Partners: Partners.Reverse } ? count + count % 2 : count;

    private static LabeledObject[][] Objects(Dataset dataset, IReadOnlyList<int> ids) =>
    [
        .. ids.Select(id => dataset.ObjectBox(id) is { } box
            ? new[] { new LabeledObject(dataset.Label(id), box) { Mask = dataset.ObjectMask(id) is { IsEmpty: false } mask ? mask.ToArray()
                : null } }
            : throw new InputException("This data set does not provide the boxes of its objects. "
                + $"Omit `Objects`, or choose {DatasetCatalogue.Either(set => set.HasBoxes)}.")),
    ];

    private static PreviewRow Row(Seen seen, int i, Dataset dataset, string name)
    {
        var image = seen.Plan.Images[i];
        // The class with the file name, if the image has its own file.
        string Named(int row) => row < seen.Batch.Ids.Count && dataset.FilePath(seen.Batch.Ids[row]) is { } file
            ? $"{Class(seen, row, dataset)}\n{Path.GetFileName(file)}" : Class(seen, row, dataset);
        var alone = image.Region is FillRegion;
        var lambda = Lambda(image);
        var where = Where(image.Region, seen.Plan);
        return new PreviewRow(name.Length > 0 ? name : lambda, name.Length > 0 ? $"{lambda}\n{where}" : where,
            [
                new PreviewCell(seen.Own[i], Named(i)),
                new PreviewCell(seen.Partners[image.Partner], alone ? "no partner" : Named(image.Partner)),
                new PreviewCell(seen.After[i], Label(seen, i, dataset, "\n")),
                new PreviewCell(seen.Difference[i], image.Region.IsEmpty ? "nothing changed" : Share(image.Region, seen.Plan)),
            ]);
    }

    private static string Lambda(ImagePlan image) =>
        image.Region is FillRegion ? "label unchanged" : FormattableString.Invariant($"λ = {image.Lambda:0.0000}");

    // The classes with their weights; the class alone if the method only erases pixels.
    private static string Label(Seen seen, int i, Dataset dataset, string between)
    {
        string Class(int row) => MixingPreview.Class(seen, row, dataset);
        var image = seen.Plan.Images[i];
        return image.Region is FillRegion ? Class(i)
            : FormattableString.Invariant($"{image.Lambda:0.00} {Class(i)}{between}{image.PartnerWeight:0.00} {Class(image.Partner)}");
    }

    private static string Class(Seen seen, int row, Dataset dataset) =>
        row < seen.Batch.Ids.Count ? dataset.ClassOf(seen.Batch.Ids[row]) : "step before";

    private static string Labels(MixPlan plan) =>
        plan.Images.All(image => image.PartnerWeight == 1 - image.Lambda) ? "y = λ·a + (1-λ)·b" : "y = ρ_a·a + ρ_b·b";

    private static string Where(Region region, MixPlan plan) => region switch
    {
        _ when region.IsEmpty => "no pixel",
        BlendRegion => "every pixel",
        MaskRegion => "a mask",
        TransportRegion blocks => $"{blocks.Side}×{blocks.Side} blocks",
        FillRegion { Holes.Count: > 1 } fill => $"{fill.Holes.Count} holes",
        _ when region.Reach(plan.Height, plan.Width) is var box => $"rows {box.Top}-{box.Bottom}, columns {box.Left}-{box.Right}",
        _ => "",
    };

    private static string Share(Region region, MixPlan plan) => region is BoxRegion { Box: var box } ? $"{box.Height}×{box.Width} pixels"
        : string.Create(CultureInfo.InvariantCulture, $"{100 * (1 - region.KeptShare(plan.Height, plan.Width)):0.0} % of the image");
}
