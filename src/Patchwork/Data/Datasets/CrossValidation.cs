namespace Patchwork.Data;

/// <summary>
/// K-fold cross-validation: the images are divided into K parts, with each class spread evenly, and every part is the test set once. The
/// parts are the same for every seed. If the set has its own test part, that part is not used, and only the training images are divided.
/// </summary>
internal static class CrossValidation
{
    /// <summary>The pair whose test set is one of the folds.</summary>
    /// <param name="pair">The set.</param>
    /// <param name="folds">K. Range: at least 2.</param>
    /// <param name="fold">Which fold is the test set, from 0.</param>
    /// <exception cref="InputException">A class has a single image, or there are fewer images than folds.</exception>
    public static DatasetPair Fold(DatasetPair pair, int folds, int fold)
    {
        var whole = pair.Cut?.Whole ?? pair.Train;
        if (whole.Count < folds)
            throw new InputException($"Cross-validation needs an image for each fold. Received: {whole.Count} images for {folds} folds "
                + "(`Folds`).");
        var counts = whole.CountPerClass();
        if (!whole.IsMultiLabel && Array.IndexOf(counts, 1) is >= 0 and var lone)
            throw new InputException($"Cross-validation needs two images of each class, one to train on while the other is tested. "
                + $"Received: one of '{whole.ClassNames[lone]}'. Add images, or remove the class.");
        var dealt = StratifiedSplit.Folds(whole, folds);
        int[] Part(bool tested) => [.. Enumerable.Range(0, whole.Count).Where(i => dealt[i] == fold == tested)];
        return pair with
        {
            Train = new Subset(whole, Part(tested: false)),
            Test = new Subset(whole, Part(tested: true)),
            Validation = null,
            Cut = null,
            Notes =
            [
                .. pair.Notes,
                $"fold {fold + 1} of {folds} is the test set" + (pair.Cut is null ? "; the set's own test images are not used" : ""),
            ],
        };
    }
}
