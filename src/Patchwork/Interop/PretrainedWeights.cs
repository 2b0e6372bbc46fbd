using Patchwork.Formats;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>
/// Initializes a model with the weights of another run or another framework: tensors that match by name and shape are loaded, the others
/// keep their initial values.
/// </summary>
public static class PretrainedWeights
{
    private const int Named = 4;      // names of each kind shown in the summary

    /// <summary>
    /// Copies the tensors that match into the parameters and buffers of a module. A prefix that all names in the file share and the
    /// module's names lack, such as <c>module.</c> of a network trained on several devices, is removed. Tensors that the module does not
    /// need may be of any type; U16, U32, U64, F8_E4M3 and F8_E5M2 are converted if they are needed.
    /// </summary>
    /// <param name="path">
    /// A safetensors file, a state dict of PyTorch (<c>.pth</c>, since 1.6) or an ONNX model; or <c>imagenet</c>, see
    /// <see cref="ImageNetResNet18"/>.
    /// </param>
    /// <param name="module">The module. Values are copied into its own tensors.</param>
    /// <exception cref="InputException">
    /// The file cannot be read or has none of these formats, none of its tensors match, or a needed tensor has values that are not finite
    /// or a type that is not supported.
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
            // BatchNorm's batch counters, which other frameworks do not store, have no effect.
            string[] counts = [.. targets.Keys.Where(name =>
                name.EndsWith("num_batches_tracked", StringComparison.Ordinal) && !IsThere(name))];
            string[] missing = [.. targets.Keys.Where(name => !IsThere(name)).Except(counts).Order(StringComparer.Ordinal)];
            string[] reshaped = [.. targets.Keys.Where(name => IsThere(name) && !Fits(name)).Order(StringComparer.Ordinal)];
            string[] unused = [.. names.Where(name => !stored.ContainsKey(name))];
            if (loaded.Length == 0)
                throw new InputException($"The weights in {path} must match the model by name and shape. "
                    + $"Received none that do: the file begins with {List([.. names])}, the model "
                    + $"with {List([.. targets.Keys])}. Choose the `Model` that they were trained with.");
            if (FiniteTensors.FirstOther(loaded.Select(name => KeyValuePair.Create(name, stored[prefix + name]))) is { } ruined)
                throw new InputException($"The weights in {path} must be finite. Received: {prefix}{ruined} with values that are not. "
                    + "Use an earlier checkpoint.");
            using (no_grad())
                foreach (var name in loaded)
                    targets[name].copy_(stored[prefix + name]);
            return new(loaded, reshaped, missing, unused,
                $"loaded {loaded.Length} of the model's {targets.Count - counts.Length} tensors from {path}"
                + (key is null ? "" : $", under its key '{key}'")
                + (prefix.Length == 0 ? "" : $"; removed the prefix {prefix} from their names")
                + (reshaped.Length == 0 ? "" : $"; shape differs, so newly initialized: {List(reshaped)}")
                + (missing.Length == 0 ? "" : $"; not in the file, so newly initialized: {List(missing)}")
                + (unused.Length == 0 ? "" : $"; not used: {List(unused)}"));
        }
        finally
        {
            foreach (var tensor in stored.Values)
                tensor.Dispose();
        }
    }

    // Of the prefixes up to a dot that all names share, the one with which the most names match; the shortest of equally good ones, which
    // may be empty.
    private static string Prefix(IReadOnlyList<string> names, Dictionary<string, Tensor> targets)
    {
        if (names.Count == 0)
            return "";
        var first = names[0];
        return Enumerable.Range(0, first.Length).Where(i => first[i] == '.').Select(i => first[..(i + 1)]).Prepend("")
            .Where(prefix => names.All(name => name.StartsWith(prefix, StringComparison.Ordinal)))
            .MaxBy(prefix => names.Count(name => targets.ContainsKey(name[prefix.Length..])))!;      // the first of equally good ones
    }

    private static string List(string[] names) =>
        string.Join(", ", names.Take(Named)) + (names.Length > Named ? $" and {names.Length - Named} more" : "");
}
