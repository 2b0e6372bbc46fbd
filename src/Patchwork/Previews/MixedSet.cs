using System.Globalization;
using System.Text;
using Patchwork.Data;
using Patchwork.Internals;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Reporting;
using static TorchSharp.torch;

namespace Patchwork.Previews;

/// <summary>
/// Writes a mixed data set to disk, for other frameworks and for inspection: PNG images, <c>targets.csv</c> and <c>classes.txt</c>.
/// </summary>
public static class MixedSet
{
    private const int BatchSize = 64;

    /// <summary>Writes <paramref name="count"/> mixed images, each with its own λ and region.</summary>
    /// <param name="mixer">The method.</param>
    /// <param name="dataset">The data set that provides the images; they are used in shuffled order, epoch after epoch.</param>
    /// <param name="seeds">Randomness of the order and the plans.</param>
    /// <param name="count">Number of images. Range: at least 1.</param>
    /// <param name="folder">The folder to create; it must not exist, and it appears only when it is complete.</param>
    /// <param name="cancellation">Cancels the work; no files are left behind.</param>
    /// <exception cref="InputException">The folder exists or cannot be written.</exception>
    public static void Write(Mixer mixer, Dataset dataset, SeedStream seeds, int count, string folder, CancellationToken cancellation =
        default)
    {
        if (dataset.IsMultiLabel)
            throw new InputException("A mixed set needs images with one label each. Received: images with several.");
        if (mixer.Parts.FirstOrDefault(one => one.Needs == Needs.Model || one is ILabelWeigher or IRecursiveMixer) is { } trained)
            throw new InputException("A mixed set needs a method that needs neither a network nor earlier batches. Received: "
                + $"{trained.Id}, which works only in training. Choose another `Method`, such as cutmix.");
        if (mixer is BetaMixer { Scope: Scope.Batch } once)
            mixer = once with { Scope = Scope.Example };
        AtomicFolder.Create(Path.GetFullPath(folder), "A mixed set", "", aside =>
        {
            Directory.CreateDirectory(Path.Combine(aside, "images"));
            File.WriteAllLines(Path.Combine(aside, "classes.txt"), dataset.ClassNames);
            using var targets = new StreamWriter(Path.Combine(aside, "targets.csv"), append: false, new UTF8Encoding(false))
            {
                NewLine = "\n",
            };
            targets.WriteLine("file,label,partner_label,lambda,source,partner_source,top,left,bottom,right,source_file,"
                + "partner_file");
            using var loader = new BatchLoader(dataset, seeds, new LoaderOptions { BatchSize = Math.Min(BatchSize, dataset.Count) });
            var written = 0;
            for (var epoch = 0; written < count; epoch++)
            {
                foreach (var (step, plain) in loader.Epoch(epoch).Index())
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var scope = NewDisposeScope();
                    var batch = mixer.Mix(plain, seeds.Open("mix", epoch, step));
                    var pictures = Picture.FromBatch(NormalizedPictures.Restore(batch.Images, dataset.Normalization));
                    for (var i = 0; i < batch.Count && written < count; i++, written++)
                    {
                        var name = $"images/{written:D6}.png";
                        File.WriteAllBytes(Path.Combine(aside, name), pictures[i].Png());
                        targets.WriteLine(Row(name, batch, i, dataset));
                    }
                    if (written == count)
                        break;
                }
            }
        });
    }

    private static string Row(string name, Batch batch, int i, Dataset dataset)
    {
        var image = batch.Plan!.Images[i];
        var box = image.Region.Reach(batch.Plan.Height, batch.Plan.Width);
        var (own, partner) = (batch.Ids[i], batch.Ids[image.Partner]);
        var corners = FormattableString.Invariant($"{box.Top},{box.Left},{box.Bottom},{box.Right}");
        var files = $"{ResultTable.CsvCell(dataset.FilePath(own) ?? "")},{ResultTable.CsvCell(dataset.FilePath(partner) ?? "")}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{name},{dataset.Label(own)},{dataset.Label(partner)},{image.Lambda:R},{own},{partner},{corners},{files}");
    }
}
