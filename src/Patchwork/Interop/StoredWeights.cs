using Patchwork.Formats;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>Weights as stored in a file, by name: safetensors, a state dict of PyTorch, or the initializers of an ONNX graph.</summary>
/// <param name="Names">Names of all tensors in the file, in ordinal order.</param>
/// <param name="Tensors">The requested tensors, which the caller owns.</param>
/// <param name="Key">The key of the checkpoint that holds them; null if they are at the top level of the file.</param>
internal sealed record StoredWeights(IReadOnlyList<string> Names, IReadOnlyDictionary<string, Tensor> Tensors, string? Key = null)
{
    /// <summary>Reads a file of any of these formats, recognized by its content and not by its extension.</summary>
    /// <param name="path">The file.</param>
    /// <param name="wanted">Chooses among all names; the values of others are not read.</param>
    /// <exception cref="InputException">The file has another format, or cannot be read.</exception>
    public static StoredWeights Read(string path, Func<IReadOnlyList<string>, IEnumerable<string>> wanted)
    {
        try
        {
            switch (WeightFormats.Of(path))
            {
                case WeightFormat.PyTorch:
                    var (stateNames, state, key) = TorchFile.LoadSome(path, wanted);
                    return new(stateNames, state, key);
                case WeightFormat.Onnx:
                    return ReadOnnx(path, wanted);
                default:
                    var (names, tensors) = Safetensors.LoadSome(path, wanted);
                    return new(names, tensors);
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new InputException($"Weights must be a readable file in a supported format ({WeightFormats.Read}). "
                + $"Received: {path} ({error.Message.TrimEnd('.')}).", error);
        }
    }

    private static StoredWeights ReadOnnx(string path, Func<IReadOnlyList<string>, IEnumerable<string>> wanted)
    {
        var file = OnnxWeights.Read(path);
        var stored = ImageNetResNet18.Is(file) ? ImageNetResNet18.Tensors(file)
            : file.Names.ToDictionary(name => name, name => (Func<Tensor>)(() => file[name]));
        string[] names = [.. stored.Keys.Order(StringComparer.Ordinal)];
        var tensors = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            foreach (var name in wanted(names))
                tensors.Add(name, stored[name]());
            return new(names, tensors);
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }
}
