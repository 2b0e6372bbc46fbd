using Patchwork.Formats;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>
/// Weights of another run or another system as a start: what fits by name and shape is loaded, the rest keeps its initial values.
/// </summary>
public static class PretrainedWeights
{
    private const int Named = 4;      // names of each kind in the summary

    /// <summary>
    /// Copies the tensors that fit into the parameters and buffers of a module. A prefix that all names of the file share and the module's
    /// do not have, as <c>module.</c> of a network that was trained on several devices, is taken off. Tensors that the module does not need
    /// may be of any type; U16, U32, U64, F8_E4M3 and F8_E5M2 are converted where they are needed.
    /// </summary>
    /// <param name="path">
    /// A safetensors file, a state dict of PyTorch (<c>.pth</c>, since 1.6) or an ONNX model; or <c>imagenet</c>, see
    /// <see cref="ImageNetResNet18"/>.
    /// </param>
    /// <param name="module">The module; its tensors stay its own.</param>
    /// <exception cref="InputException">
    /// The file cannot be read, is none of these, nothing in it fits, or a value that is needed is not finite or of a type that is
    /// not read.
    /// </exception>
    public static LoadedWeights Load(string path, nn.Module module)
    {
        path = ImageNetResNet18.PathOf(path);
        var targets = module.state_dict();
        var prefix = "";
        var (names, stored, key) = StoredWeights.Read(path, names =>
        {
            prefix = Prefix(names, targets);
            return names.Where(name => targets.ContainsKey(name[prefix.Length..]));
        });
        try
        {
            bool IsThere(string name) => stored.ContainsKey(prefix + name);
            bool Fits(string name) => stored.TryGetValue(prefix + name, out var tensor) && tensor.shape.SequenceEqual(targets[name].shape);
            string[] loaded = [.. targets.Keys.Where(Fits).Order(StringComparer.Ordinal)];
            // Counts of batches, which other systems do not store, change nothing.
            string[] counts = [.. targets.Keys.Where(name =>
                name.EndsWith("num_batches_tracked", StringComparison.Ordinal) && !IsThere(name))];
            string[] missing = [.. targets.Keys.Where(name => !IsThere(name)).Except(counts).Order(StringComparer.Ordinal)];
            string[] reshaped = [.. targets.Keys.Where(name => IsThere(name) && !Fits(name)).Order(StringComparer.Ordinal)];
            string[] unused = [.. names.Where(name => !stored.ContainsKey(name))];
            if (loaded.Length == 0)
                throw new InputException($"The weights in {path} must fit the model by name and shape. "
                    + $"Received none that does: the file begins with {List([.. names])}, the model "
                    + $"with {List([.. targets.Keys])}. Choose the `Model` that they were trained in.");
            if (FiniteTensors.FirstOther(loaded.Select(name => KeyValuePair.Create(name, stored[prefix + name]))) is { } ruined)
                throw new InputException($"The weights in {path} must be finite. Received: {prefix}{ruined} with values that are not. "
                    + "Take an earlier checkpoint of theirs.");
            using (no_grad())
                foreach (var name in loaded)
                    targets[name].copy_(stored[prefix + name]);
            return new(loaded, reshaped, missing, unused,
                $"took {loaded.Length} of the model's {targets.Count - counts.Length} tensors from {path}"
                + (key is null ? "" : $"; they are its '{key}'")
                + (prefix.Length == 0 ? "" : $"; took the prefix {prefix} off their names")
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

    // Of the parts up to a full stop that all names begin with, so many that most names fit; none where that is as good.
    private static string Prefix(IReadOnlyList<string> names, Dictionary<string, Tensor> targets)
    {
        if (names.Count == 0)
            return "";
        var first = names[0];
        return Enumerable.Range(0, first.Length).Where(i => first[i] == '.').Select(i => first[..(i + 1)]).Prepend("")
            .Where(prefix => names.All(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            .MaxBy(prefix => names.Count(name => targets.ContainsKey(name[prefix.Length..])))!;      // the first of equal ones
    }

    private static string List(string[] names) =>
        string.Join(", ", names.Take(Named)) + (names.Length > Named ? $" and {names.Length - Named} more" : "");
}
