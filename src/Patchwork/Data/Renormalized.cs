namespace Patchwork.Data;

/// <summary>The images of a set with another normalization, the one that weights trained elsewhere expect.</summary>
/// <param name="whole">The set.</param>
/// <param name="normalization">The new normalization.</param>
internal sealed class Renormalized(Dataset whole, Normalization normalization) : DatasetView(whole)
{
    public override Normalization Normalization => normalization;

    /// <summary>Returns a pair with another normalization.</summary>
    /// <exception cref="InputException">The images have another number of channels.</exception>
    public static DatasetPair To(DatasetPair pair, Normalization normalization)
    {
        if (normalization.Mean.Count != pair.Train.Channels)
            throw new InputException($"{pair.Id} has images of {pair.Train.Channels} channels. Received: a normalization of "
                + $"{normalization.Mean.Count} (`Normalization`).");
        return pair.Seen(set => new Renormalized(set, normalization));
    }
}
