using System.Globalization;
using Patchwork.Data;

namespace Patchwork.Recipes;

/// <content>Opens and splits the data set that the keys name.</content>
public sealed partial record Recipe
{
    private const double UsualShare = 0.1;

    /// <summary>Opens the data set that the recipe names.</summary>
    /// <exception cref="InputException">The name is unknown, or the files are missing or damaged.</exception>
    public DatasetPair OpenData()
    {
        var opened = DatasetCatalogue.Open(Dataset, Opening());
        if (TestedFold is { } fold)
            opened = CrossValidation.Fold(opened, Folds!.Value, fold);
        return Normalization is { } text ? Renormalized.To(opened, Patchwork.Data.Normalization.Parse(text)) : opened;
    }

    /// <summary>Checks every image of the data set that the recipe names, damaged ones included.</summary>
    /// <exception cref="InputException">The name is unknown, or it cannot be opened at all.</exception>
    public DataCheck CheckData() => DataCheck.Of(Dataset, Opening());

    /// <summary>How the recipe's data set is opened.</summary>
    internal DataOptions Opening() => new()
    {
        Data = Data,
        ImageSize = ImageSize,
        CenterCrop = CenterCrop,
        ScaledDecoding = ScaledDecoding ?? true,
        SkipDamaged = SkipDamaged,
        Images = Images,
        Columns = Columns,
        ClassNames = ClassNames,
        MultiLabel = MultiLabel,
    };

    /// <summary>The images to train on and the images to validate on; the latter are the test set if the recipe validates on it.</summary>
    internal (Dataset Train, Dataset Validation) Split(DatasetPair data)
    {
        var whole = Subset is { } count ? StratifiedSplit.Some(data.Train, count)
            : PerClass is { } each ? StratifiedSplit.PerClass(data.Train, each) : data.Train;
        if (ValidatesOnTest)
            return (whole, data.Test);
        if (Validation is null && data.Validation is { } own)
            return (whole, own);
        var (train, validation) = StratifiedSplit.Of(whole, Validation is { } share
            ? double.Parse(share, CultureInfo.InvariantCulture) : UsualShare);
        return (new Subset(whole, train), new Subset(whole, validation));
    }

    /// <summary>The fold that a run of this recipe tests on, from 0; null without cross-validation.</summary>
    internal int? TestedFold => Folds is { } folds ? (int)((Seed + (ulong)folds - 1) % (ulong)folds) : null;

    /// <summary>True if the best epoch is chosen on the test set.</summary>
    internal bool ValidatesOnTest => Validation == "test";
}
