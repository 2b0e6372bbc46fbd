using Patchwork.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>
/// Weights of another run or another system as a start: what fits by name and shape is loaded, the rest keeps its initial values.
/// </summary>
public static class PretrainedWeights
{
    private const int Named = 4;      // names of each kind in the summary

    /// <summary>Copies the tensors that fit into the parameters and buffers of a module.</summary>
    /// <param name="path">A safetensors file.</param>
    /// <param name="module">The module; its tensors stay its own.</param>
    /// <exception cref="InputException">The file cannot be read, is no safetensors file, or nothing in it fits.</exception>
    public static LoadedWeights Load(string path, nn.Module module)
    {
        var stored = Read(path);
        try
        {
            var targets = module.state_dict();
            bool Fits(string name) => stored.TryGetValue(name, out var tensor) && tensor.shape.SequenceEqual(targets[name].shape);
            string[] loaded = [.. targets.Keys.Where(Fits).Order(StringComparer.Ordinal)];
            string[] missing = [.. targets.Keys.Where(name => !stored.ContainsKey(name)).Order(StringComparer.Ordinal)];
            string[] reshaped = [.. targets.Keys.Where(name => stored.ContainsKey(name) && !Fits(name)).Order(StringComparer.Ordinal)];
            string[] unused = [.. stored.Keys.Where(name => !targets.ContainsKey(name))];
            if (loaded.Length == 0)
                throw new InputException($"The weights in {path} must fit the model by name and shape. "
                    + $"Received none that does: the file begins with {List([.. stored.Keys])}, the model "
                    + $"with {List([.. targets.Keys])}. Choose the `Model` that they were trained in.");
            using (no_grad())
                foreach (var name in loaded)
                    targets[name].copy_(stored[name]);
            return new(loaded, reshaped, missing, unused, $"took {loaded.Length} of the model's {targets.Count} tensors from {path}"
                + (reshaped.Length == 0 ? "" : $"; of another shape, so started fresh: {List(reshaped)}")
                + (missing.Length == 0 ? "" : $"; not in the file, so started fresh: {List(missing)}")
                + (unused.Length == 0 ? "" : $"; of no use: {List(unused)}"));
        }
        finally
        {
            foreach (var tensor in stored.Values)
                tensor.Dispose();
        }
    }

    private static IReadOnlyDictionary<string, Tensor> Read(string path)
    {
        try
        {
            return Safetensors.Load(path);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Weights must be a safetensors file that can be read. "
                + $"Received: {path} ({error.Message.TrimEnd('.')}).", error);
        }
    }

    private static string List(string[] names) =>
        string.Join(", ", names.Take(Named)) + (names.Length > Named ? $" and {names.Length - Named} more" : "");
}
