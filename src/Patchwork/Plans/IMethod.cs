namespace Patchwork.Plans;

/// <summary>
/// A method of the catalogue. Each is one of five kinds: it mixes the pixels of two samples, mixes their hidden features, erases parts of
/// one sample, perturbs the residual branches of the network, or changes the labels.
/// </summary>
public interface IMethod
{
    /// <summary>Name in the catalogue, e.g. <c>cutmix</c>.</summary>
    string Id { get; }
}
