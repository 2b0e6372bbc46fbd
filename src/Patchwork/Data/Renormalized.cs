namespace Patchwork.Data;

/// <summary>The images of a set, normalized otherwise: as weights that were trained elsewhere expect them.</summary>
/// <param name="whole">The set.</param>
/// <param name="normalization">The normalization from now on.</param>
internal sealed class Renormalized(Dataset whole, Normalization normalization) : DatasetView(whole)
{
    public override Normalization Normalization => normalization;

    /// <summary>A pair normalized otherwise.</summary>
    /// <exception cref="InputException">The images have another number of channels.</exception>
    public static DatasetPair To(DatasetPair pair, Normalization normalization)
    {
        if (normalization.Mean.Count != pair.Train.Channels)
            throw new InputException($"{pair.Id} has images of {pair.Train.Channels} channels. Received: a normalization of "
                + $"{normalization.Mean.Count} (`Normalization`).");
        return pair.Seen(set => new Renormalized(set, normalization));
    }
}
