namespace Patchwork.Plans;

/// <summary>
/// A method of the catalogue. Each is one of five kinds: it mixes the pixels of two samples, mixes their hidden features, erases parts of
/// one sample, perturbs the residual branches of the network, or changes the labels.
/// </summary>
public interface IMethod
{
    /// <summary>Name in the catalogue, e.g. <c>cutmix</c>.</summary>
    string Id { get; }

    /// <summary>What the method needs of the network that is trained. Default: nothing.</summary>
    NetworkNeed NetworkNeed => NetworkNeed.Nothing;
}

/// <summary>What a method needs of a network.</summary>
public enum NetworkNeed
{
    /// <summary>Nothing: the method works with every network.</summary>
    Nothing,

    /// <summary>Feature maps (N, C, H, W) up to the last linear layer, as convolutional networks have.</summary>
    FeatureMaps,

    /// <summary>Attention to the patches of an image, as transformers have.</summary>
    Attention,
}
