using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>Finds weights with values that are not finite.</summary>
internal static class FiniteTensors
{
    /// <summary>The name of the first tensor with a value that is NaN or infinite; null if all are finite.</summary>
    public static string? FirstOther(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using var scope = NewDisposeScope();
        return tensors.FirstOrDefault(entry => entry.Value.is_floating_point() && !entry.Value.isfinite().all().ToBoolean()).Key;
    }
}
