using Patchwork.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>
/// Weights of another run or another system as a beginning: what fits by name and shape is taken, the rest stays as it was initialized.
/// </summary>
public static class PretrainedWeights
{
    private const int Named = 4;      // names in the report, of each kind

    /// <summary>Copies the tensors that fit into the parameters and buffers of a module.</summary>
    /// <returns>One line for the person who runs this: how many were taken, which of the module's were not, which of the file's were of no use.</returns>
    /// <exception cref="InputException">The file cannot be read, is no safetensors file, or nothing in it fits.</exception>
    public static string Load(string path, nn.Module module) => Load(path, module, out _);

    /// <summary>The same, and whether every tensor of the module was taken.</summary>
    internal static string Load(string path, nn.Module module, out bool whole)
    {
        var loaded = Read(path);
        try
        {
            var targets = module.state_dict();
            bool Fits(string name) => loaded.TryGetValue(name, out var tensor) && tensor.shape.SequenceEqual(targets[name].shape);
            string[] taken = [.. targets.Keys.Where(Fits)];
            string[] absent = [.. targets.Keys.Where(name => !loaded.ContainsKey(name)).Order(StringComparer.Ordinal)];
            string[] reshaped = [.. targets.Keys.Where(name => loaded.ContainsKey(name) && !Fits(name)).Order(StringComparer.Ordinal)];
            string[] unused = [.. loaded.Keys.Where(name => !targets.ContainsKey(name))];
            if (taken.Length == 0)
                throw new InputException($"The weights in {path} must fit the model by name and shape. "
                    + $"Received none that does: the file begins with {List([.. loaded.Keys])}, the model "
                    + $"with {List([.. targets.Keys])}. Choose the --model that they were trained in.");
            using (no_grad())
                foreach (var name in taken)
                    targets[name].copy_(loaded[name]);
            whole = taken.Length == targets.Count;
            return $"took {taken.Length} of the model's {targets.Count} tensors from {path}"
                + (reshaped.Length == 0 ? "" : $"; of another shape, so started fresh: {List(reshaped)}")
                + (absent.Length == 0 ? "" : $"; not in the file, so started fresh: {List(absent)}")
                + (unused.Length == 0 ? "" : $"; of no use: {List(unused)}");
        }
        finally
        {
            foreach (var tensor in loaded.Values)
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
            throw new InputException($"Weights must be a safetensors file that can be read. Received: {path} ({error.Message.TrimEnd('.')}).", error);
        }
    }

    private static string List(string[] names) =>
        string.Join(", ", names.Take(Named)) + (names.Length > Named ? $" and {names.Length - Named} more" : "");
}
