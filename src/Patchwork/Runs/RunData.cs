using System.Globalization;
using Patchwork.Data;
using Patchwork.Distributed;
using Patchwork.Inference;
using Patchwork.Interop;
using Patchwork.Recipes;
using Patchwork.Reporting;
using Patchwork.Training;

namespace Patchwork.Runs;

/// <summary>
/// The data that a recipe opens now, split as the recipe says; it can be compared with the data that a run was made from.
/// </summary>
internal sealed class RunData
{
    private readonly Lazy<DataRecord> record;

    private RunData(Recipe recipe, DatasetPair pair)
    {
        Pair = pair;
        (Train, Validation) = recipe.Split(pair);
        record = new(() => new DataRecord(pair.Train.ClassNames, DataPart.Of(Train), DataPart.Of(Validation), DataPart.Of(pair.Test))
        {
            Weights = recipe.Weights is { } weights
                && (weights == ImageNetResNet18.Id ? ImageNetResNet18.Find() : weights) is { } file && File.Exists(file)
                ? DataDigest.OfContent(file) : null,
        });
    }

    /// <summary>The set as it was opened, with its labels in the order of the run's classes.</summary>
    public DatasetPair Pair { get; }

    /// <summary>The images to train on.</summary>
    public Dataset Train { get; }

    /// <summary>The images that select the best epoch; the test images if the recipe says so.</summary>
    public Dataset Validation { get; }

    /// <summary>The test images.</summary>
    public Dataset Test => Pair.Test;

    /// <summary>The record of the data that a run stores.</summary>
    public DataRecord Record => record.Value;

    /// <summary>Opens the data of a new run.</summary>
    /// <exception cref="InputException">The data cannot be opened.</exception>
    public static RunData Open(Recipe recipe) => new(recipe, recipe.OpenData());

    /// <summary>The same data with another normalization.</summary>
    /// <param name="recipe">The recipe with that normalization.</param>
    /// <param name="normalization">The normalization.</param>
    public RunData Normalized(Recipe recipe, Normalization normalization) => new(recipe, Renormalized.To(Pair, normalization));

    /// <summary>Opens the data of an existing run.</summary>
    /// <exception cref="InputException">The data cannot be opened, or has other classes than the run.</exception>
    public static RunData Open(RunFolder run) => Open(run.Recipe, ModelCard.Read(run.Checkpoints.Card), run.Path);

    /// <summary>Opens the data of a recipe, with the classes in the order of a network's.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="card">The network.</param>
    /// <param name="run">What messages name as having that order.</param>
    /// <exception cref="InputException">The data cannot be opened, or has other classes.</exception>
    public static RunData Open(Recipe recipe, ModelCard card, string run = "rank 0") =>
        new(recipe, card.InOrder(recipe.OpenData(), run));

    /// <summary>
    /// What has changed since the run was made, as the end of a sentence; null if nothing has, or if the run is older than such records.
    /// </summary>
    public string? ChangesSince(RunFolder run) =>
        run.ReadData() is { } stored && stored.Changes(Record) is { Count: > 0 } changes ? string.Join("; ", changes) : null;

    /// <summary>Rejects ranks whose images differ: each would train a different network.</summary>
    /// <exception cref="InputException">Thrown on every rank.</exception>
    public void RequireSameOn(Ranks ranks)
    {
        var own = $"{Record.Train.Digest} {Record.Validation.Digest} {Record.Test.Digest}";
        var digests = ranks.Unhurried(() => ranks.Gather(own));
        if (Enumerable.Range(0, digests.Count).FirstOrDefault(rank => digests[rank] != digests[0]) is > 0 and var other)
            throw new InputException($"Every rank needs the same images. Received: different ones on rank {other} than on rank 0. Copy the "
                + "data set of rank 0 to its machine, or set `Data` to a folder that all machines share.");
    }

    /// <summary>Describes, for the user, the number of images and what was left out.</summary>
    public IEnumerable<Notice> Describe()
    {
        var said = Validation == Test
            ? FormattableString.Invariant($"{Train.Count:N0} training and {Test.Count:N0} test images, which are also used for validation")
            : FormattableString.Invariant($"{Train.Count:N0} training, {Validation.Count:N0} validation and {Test.Count:N0} test images");
        yield return new Notice($"{Pair.Train.ClassNames.Count} classes; {said}") { IsOfData = true };
        foreach (var note in Pair.AllNotes)
            yield return new Notice(note) { IsOfData = true };
        if (Validation != Pair.Validation && Pair.Validation is not null)
            yield return new Notice("the set's own validation images are not used, because `Validation` is set") { IsOfData = true };
        foreach (var (line, arePictures) in LeftOutFile.Summaries(ImageFiles.LeftOutOf(Pair)))
            yield return new Notice(line, IsWarning: arePictures) { IsOfData = true };
    }

    /// <summary>
    /// The images that the recipe holds out of the training set, one line per image: index in that set from 0, class, file; null if it
    /// holds none out.
    /// </summary>
    public string? HeldOut()
    {
        if (Validation == Test || Validation == Pair.Validation)
            return null;
        var lines = new ResultTable([new("index"), new("class"), new("file")],
            [.. Enumerable.Range(0, Validation.Count).Select(i => (IReadOnlyList<string>)
            [
                ((DatasetView)Validation).IndexIn(Pair.Train, i).ToString(CultureInfo.InvariantCulture),
                Validation.ClassOf(i),
                Validation.FilePath(i) ?? "",
            ])]);
        return lines.ToCsv();
    }
}
