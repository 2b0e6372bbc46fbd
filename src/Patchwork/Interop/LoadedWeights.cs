namespace Patchwork.Interop;

/// <summary>The result of <see cref="PretrainedWeights.Load"/>, as names of tensors in ordinal order.</summary>
/// <param name="Loaded">Tensors of the model that were loaded.</param>
/// <param name="Reshaped">Tensors of the model that have a different shape in the file and keep their initial values.</param>
/// <param name="Missing">
/// Tensors of the model that are not in the file and keep their initial values. BatchNorm's batch counters, which only some frameworks
/// store, are not listed.
/// </param>
/// <param name="Unused">Tensors of the file that the model does not have.</param>
/// <param name="Summary">A summary in one line for the user.</param>
public sealed record LoadedWeights(
    IReadOnlyList<string> Loaded,
    IReadOnlyList<string> Reshaped,
    IReadOnlyList<string> Missing,
    IReadOnlyList<string> Unused,
    string Summary)
{
    /// <summary>True if every tensor of the model was loaded.</summary>
    public bool IsComplete => Reshaped.Count == 0 && Missing.Count == 0;
}
