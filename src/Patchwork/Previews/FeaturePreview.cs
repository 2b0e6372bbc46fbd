using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using Patchwork.Reporting;
using Patchwork.Saliency;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Previews;

/// <summary>
/// Rows of a preview sheet for methods that act on features, branches or labels instead of pixels, computed with real features, gates and
/// labels. They show mixed and blocked feature maps; the factors of branches in training (forward and backward) and in evaluation; or label
/// vectors.
/// </summary>
internal sealed class FeaturePreview
{
    private const int Blocks = 16, Stages = 4, Steps = 16;      // of the network and the training whose branches are shown

    private readonly Dataset dataset;
    private readonly SeedStream seeds;
    private readonly nn.Module<Tensor, Tensor> model;
    private readonly Tensor images;
    private readonly IReadOnlyList<int> ids;

    /// <param name="dataset">The data set that provides the pictures.</param>
    /// <param name="seeds">Randomness of the pictures and of the methods' draws.</param>
    /// <param name="model">The network whose features are shown; its state is unchanged afterwards.</param>
    /// <param name="count">Number of pictures to choose from.</param>
    public FeaturePreview(Dataset dataset, SeedStream seeds, nn.Module<Tensor, Tensor> model, int count)
    {
        (this.dataset, this.seeds, this.model) = (dataset, seeds, model);
        using var loader = new BatchLoader(dataset, seeds, new LoaderOptions { BatchSize = Math.Min(count, dataset.Count), Threads = 0 });
        var batch = loader.Epoch(0).First();
        (images, ids) = (batch.Images.clone(), [.. batch.Ids]);
    }

    /// <summary>The maximum number of rows, one per picture.</summary>
    public int Count => ids.Count;

    /// <summary>Returns the headings of the four columns.</summary>
    public static string[] Columns(IMethod method) => method switch
    {
        FeatureMixer => ["a: features", "b: features", "what the next layers see", "|difference from a|"],
        BranchRegularizer { Point: BranchPoint.Features } =>
            ["a: original", "one channel", "what the next layers see", "kept"],
        BranchRegularizer => ["drop probability", "branch factor", "gradient factor", "factor in evaluation"],
        _ => ["a: original", "label", "label in training", "|difference|"],
    };

    /// <summary>Returns a row that shows what the method does to picture <paramref name="i"/>, or in draw <paramref name="i"/>.</summary>
    public PreviewRow Row(IMethod method, int i, string name) => method switch
    {
        FeatureMixer mixer => Mixed(mixer, i, name),
        BranchRegularizer { Point: BranchPoint.Features } regularizer => Blocked(regularizer, i, name),
        BranchRegularizer regularizer => Branches(regularizer, i, name),
        LabelRule rule => Labels(rule, i, name),
        _ => throw new ArgumentException("A feature preview needs a method that acts on features, branches or labels. "
            + $"Received: {method.Id}."),
    };

    // One layer per row, the deepest first; a network of only that layer mixes its features.
    private PreviewRow Mixed(FeatureMixer mixer, int i, string name)
    {
        var layer = mixer.Layers[^(1 + i % mixer.Layers.Count)];
        var features = LayerFeatures.Of(model, images, layer);
        using var carrier = new LayerCarrier(layer);
        using var attached =
            (mixer with
            {
                Layers = [layer == FeatureMixer.Input ? layer : LayerCarrier.NameOf(layer)],
                Probability = 1,
                Partners =
            Partners.Derangement
            }).Attach(carrier, features);
        var plan = attached.Plan = attached.Draw(features, seeds.Open("mix", 0, i));
        var mixed = carrier.call(attached.Input(features));
        var image = plan.Images[i];
        var shown = Grey(stack([features[i].mean([0]), features[image.Partner].mean([0]), mixed[i].mean([0])]));
        var box = image.Region is BoxRegion { Box: var inside } ? [Scaled(inside, plan)] : Array.Empty<Box>();
        var place = $"{(layer == FeatureMixer.Input ? "the input" : layer)}, {plan.Height}×{plan.Width}";
        var lambda = FormattableString.Invariant($"λ = {image.Lambda:0.0000}");
        return new PreviewRow(name.Length > 0 ? name : lambda, name.Length > 0 ? $"{lambda}\n{place}" : place,
            [
                new PreviewCell(shown[0], $"{Class(i)}\nmean of {features.size(1)} channels"),
                new PreviewCell(shown[1], Class(image.Partner)),
                new PreviewCell(shown[2].Outlined(box),
                    FormattableString.Invariant($"{image.Lambda:0.00} {Class(i)}\n{image.PartnerWeight:0.00} {Class(image.Partner)}")),
                new PreviewCell(shown[2].Difference(shown[0]), image.Region is BoxRegion { Box: var cut }
                    ? $"{cut.Height}×{cut.Width} features" : "every feature"),
            ]);
    }

    // The feature map before the classifier; shows the channel that loses the most.
    private PreviewRow Blocked(BranchRegularizer method, int i, string name)
    {
        using var noGradient = no_grad();
        var features = LastFeatures.Of(model, images).Features[i].unsqueeze(0);      // (1, D, h, w)
        using var layer = method.LayerAt(new BlockPlace(Blocks, Blocks, Stages, Stages));
        seeds.SeedTorch("preview", 0, i);
        var factors = layer is null ? ones_like(features) : layer.call(ones_like(features));
        var channel = (features.abs() * factors.eq(Zero)).sum([0, 2, 3]).argmax().ToInt32();
        var (before, kept) = (features[0, channel], factors[0, channel].ne(Zero).to(features.dtype));
        var shown = Grey(stack([before, before * factors[0, channel]]));
        var dropped = 1 - factors.ne(Zero).to(ScalarType.Float64).mean().ToDouble();
        var share = FormattableString.Invariant($"{100 * dropped:0.0} % of all features dropped");
        var drop = FormattableString.Invariant($"drop probability {method.DropProbability}");
        return new PreviewRow(name.Length > 0 ? name : drop, name.Length > 0 ? $"{drop}\n{share}" : share,
            [
                new PreviewCell(Pictures()[i], Class(i)),
                new PreviewCell(shown[0], $"channel {channel} of {features.size(1)}, {features.size(2)}×{features.size(3)}"),
                new PreviewCell(shown[1], FormattableString.Invariant($"kept features × {factors.max().ToDouble():0.00}")),
                new PreviewCell(Resized(kept), FormattableString.Invariant($"white: {100 * kept.mean().ToDouble():0} % of this channel")),
            ]);
    }

    // The value 1 passes through the branch of every block once per step, forward and as a gradient backward.
    private PreviewRow Branches(BranchRegularizer method, int draw, string name)
    {
        var places = Enumerable.Range(1, Blocks).Select(block => new BlockPlace(block, Blocks, 1 + (block - 1) * Stages / Blocks, Stages))
            .ToArray();
        var layers = places.Select(method.LayerAt).ToArray();
        var (forward, backward, evaluation) = (new double[Steps, Blocks], new double[Steps, Blocks], new double[1, Blocks]);
        for (var step = 0; step < Steps; step++)
        {
            seeds.SeedTorch("preview", draw, step);
            for (var block = 0; block < Blocks; block++)
                (forward[step, block], backward[step, block]) = Through(layers[block]);
        }
        for (var block = 0; block < Blocks; block++)
        {
            layers[block]?.eval();
            (evaluation[0, block], _) = Through(layers[block]);
            layers[block]?.Dispose();
        }
        var chances = places.Select(method.DropProbabilityAt).ToArray();
        string Ends(double first, double last) => FormattableString.Invariant($"{first:0.00} in the first block, {last:0.00} in the last");
        return new PreviewRow(name.Length > 0 ? name : $"draw {draw + 1}", $"{Blocks} blocks →\n{Steps} steps ↓",
            [
                new PreviewCell(Bars(chances), Ends(chances[0], chances[^1])),
                new PreviewCell(Cells(forward), "the branch in training\nwhite 1, black 0, red below 0"),
                new PreviewCell(Cells(backward), "its gradient"),
                new PreviewCell(Cells(evaluation), "the branch in evaluation\n" + Ends(evaluation[0, 0], evaluation[0, Blocks - 1])),
            ]);
    }

    private static (double Forward, double Backward) Through(nn.Module<Tensor, Tensor>? layer)
    {
        if (layer is null)
            return (1, 1);
        using var scope = NewDisposeScope();
        var branch = ones(1, 1, 1, 1).requires_grad_();
        var output = layer.call(branch);
        output.sum().backward();
        return (output.ToDouble(), branch.grad?.ToDouble() ?? 0);
    }

    private PreviewRow Labels(LabelRule rule, int i, string name)
    {
        var label = dataset.Label(ids[i]);
        var before = nn.functional.one_hot(tensor(new long[] { label }), dataset.ClassNames.Count).to(ScalarType.Float64);
        double[] Values(Tensor vector) => vector.flatten().data<double>().ToArray();
        var (own, ruled) = (Values(before), Values(rule.Apply(before)));
        var other = ruled.Where((_, k) => k != label).Average();
        return new PreviewRow(name.Length > 0 ? name : Class(i), $"{own.Length} classes →",
            [
                new PreviewCell(Pictures()[i], Class(i)),
                new PreviewCell(Bars(own), $"1 for {Class(i)}, 0 for all others"),
                new PreviewCell(Bars(ruled),
                    FormattableString.Invariant($"{ruled[label]:0.000} for {Class(i)}, {other:0.000} for each other on average")),
                new PreviewCell(Bars([.. ruled.Zip(own, (after, first) => Math.Abs(after - first))]), "absolute change"),
            ]);
    }

    private string Class(int row) => dataset.ClassOf(ids[row]);

    private IReadOnlyList<Picture> Pictures() => Picture.FromBatch(NormalizedPictures.Restore(images, dataset.Normalization));

    private Box Scaled(Box box, MixPlan plan) => new(box.Top * dataset.Height / plan.Height, box.Left * dataset.Width / plan.Width,
        box.Bottom * dataset.Height / plan.Height, box.Right * dataset.Width / plan.Width);

    // Maps (n, h, w) on a common grey scale, minimum black and maximum white, in the size of the pictures.
    private Picture[] Grey(Tensor maps)
    {
        var (least, greatest) = (maps.min(), maps.max());
        var grey = (maps.detach() - least) / (greatest - least).clamp_min(Held(1e-12));
        return [.. Enumerable.Range(0, (int)maps.size(0)).Select(i => Resized(grey[i]))];
    }

    private Picture Resized(Tensor map) =>
        Picture.FromBatch(map.detach().unsqueeze(0).unsqueeze(0))[0].Resized(dataset.Height, dataset.Width);

    // White for the largest factor (at least 1), black for 0, red for -1.
    private Picture Cells(double[,] factors)
    {
        var (rows, columns) = (factors.GetLength(0), factors.GetLength(1));
        var most = Math.Max(1, factors.Cast<double>().Max());
        var rgb = new byte[rows * columns * 3];
        for (var i = 0; i < rows * columns; i++)
        {
            var factor = factors[i / columns, i % columns];
            var (bright, level) = (factor >= 0, (byte)Math.Round(255 * Math.Min(1, factor >= 0 ? factor / most : -factor)));
            (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = (level, bright ? level : (byte)0, bright ? level : (byte)0);
        }
        return new Picture(rows, columns, rgb).Resized(dataset.Height, dataset.Width);
    }

    // Bars from 0 at the bottom to 1 at the top; a positive value is at least one pixel high.
    private Picture Bars(double[] values)
    {
        var (height, width) = (dataset.Height, dataset.Width);
        var rgb = new byte[height * width * 3];
        Array.Fill(rgb, (byte)235);
        for (var x = 0; x < width; x++)
        {
            var bar = x * values.Length / width;
            var gap = width >= 3 * values.Length && (x + 1) * values.Length / width > bar;      // between bars that are wide enough
            var high = values[bar] > 0 && !gap ? Math.Max(1, (int)Math.Round(values[bar] * height)) : 0;
            for (var y = Math.Max(0, height - high); y < height; y++)
                rgb.AsSpan((y * width + x) * 3, 3).Fill(40);
        }
        return new Picture(height, width, rgb);
    }
}
