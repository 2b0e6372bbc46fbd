namespace Patchwork.Interop;

/// <summary>What <see cref="PretrainedWeights.Load"/> did, by the names of the tensors in ordinal order.</summary>
/// <param name="Loaded">Tensors of the model that were loaded.</param>
/// <param name="Reshaped">Tensors of the model that have another shape in the file and keep their initial values.</param>
/// <param name="Missing">
/// Tensors of the model that are not in the file and keep their initial values; without counts of batches, which only some systems store.
/// </param>
/// <param name="Unused">Tensors of the file that the model does not have.</param>
/// <param name="Summary">The same in one line for the user.</param>
public sealed record LoadedWeights(
    IReadOnlyList<string> Loaded,
    IReadOnlyList<string> Reshaped,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unused,
    string Summary)
{
    /// <summary>True when every tensor of the model was loaded.</summary>
    public bool IsComplete => Reshaped.Count == 0 && Missing.Count == 0;
}
