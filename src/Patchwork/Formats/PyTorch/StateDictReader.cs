using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Razorvine.Pickle;
using static TorchSharp.torch;

namespace Patchwork.Formats;

/// <summary>A tensor as a state dict describes it: a view of a storage.</summary>
/// <param name="Storage">The storage that it is a view of.</param>
/// <param name="Offset">Index of its first value in the storage.</param>
/// <param name="Shape">Sizes.</param>
/// <param name="Strides">Stride of each dimension, in values.</param>
internal sealed record StoredView(Storage Storage, long Offset, long[] Shape, long[] Strides);

/// <summary>Values stored in a file of their own in the archive.</summary>
/// <param name="Key">Name of that file.</param>
/// <param name="Type">The torch type of the values; null if it is not supported.</param>
/// <param name="TypeName">The type as the pickle names it.</param>
/// <param name="Count">Number of values.</param>
internal sealed record Storage(string Key, ScalarType? Type, string TypeName, long Count);

/// <summary>Reads the pickle of a state dict: dictionaries of names and views, limited to what <see cref="PickleCheck"/> allows.</summary>
internal sealed class StateDictReader : Unpickler
{
    private const string Own = "patchwork.pytorch";      // the registry is shared by the whole process

    private const string Ending = "Storage";

    // Types of values that a file may contain besides its weights.
    private static readonly string[] OtherTypes = ["Untyped", "ComplexFloat", "ComplexDouble", "QInt8", "QUInt8", "QInt32"];

    private static readonly Dictionary<string, ScalarType> Types = new()
    {
        ["Float"] = ScalarType.Float32,
        ["Double"] = ScalarType.Float64,
        ["Half"] = ScalarType.Float16,
        ["BFloat16"] = ScalarType.BFloat16,
        ["Long"] = ScalarType.Int64,
        ["Int"] = ScalarType.Int32,
        ["Short"] = ScalarType.Int16,
        ["Char"] = ScalarType.Int8,
        ["Byte"] = ScalarType.Byte,
        ["Bool"] = ScalarType.Bool,
    };

    static StateDictReader()
    {
        registerConstructor(Own, "dict", new Constructor(arguments => new Names(arguments)));
        registerConstructor(Own, "view", new Constructor(View));
        registerConstructor(Own, "parameter", new Constructor(arguments => arguments[0]));
        registerConstructor(Own, "skipped", new Constructor(_ => new Skipped()));
        foreach (var name in Types.Keys.Concat(OtherTypes))      // only named, never created
            registerConstructor(Own, name + Ending, new Constructor(_ => new Skipped()) { Name = name });
    }

    /// <summary>Reads the value that a pickle builds.</summary>
    /// <exception cref="InvalidDataException">The pickle does not build a valid state dict.</exception>
    public static object? Read(ReadOnlySpan<byte> pickle, string path)
    {
        var checkedPickle = PickleCheck.Renamed(pickle, Rename, path);
        try
        {
            using var reader = new StateDictReader();
            return reader.loads(checkedPickle);
        }
        // The reader does not handle inconsistent pickles: an empty stack, a list as a key, a number in place of a string.
        catch (Exception error) when (error is not (OutOfMemoryException or InvalidDataException))
        {
            throw new InvalidDataException($"the pickle in {path} is inconsistent ({error.Message.TrimEnd('.')})", error);
        }
    }

    // Maps the names in the pickle of a state dict to their replacements here.
    private static string? Rename(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => $"{Own}\ndict",
        ("torch._utils", "_rebuild_tensor_v2") => $"{Own}\nview",
        ("torch._utils", "_rebuild_parameter") => $"{Own}\nparameter",
        ("torch" or "torch.storage", _) when name.EndsWith(Ending, StringComparison.Ordinal)
            && name[..^Ending.Length] is var type && (Types.ContainsKey(type) || OtherTypes.Contains(type)) => $"{Own}\n{name}",
        // Values of a checkpoint that are not weights.
        ("torch", "Size" or "device") or ("numpy", "dtype" or "ndarray") or ("_codecs", "encode") => $"{Own}\nskipped",
        ("numpy.core.multiarray" or "numpy._core.multiarray", "scalar" or "_reconstruct") => $"{Own}\nskipped",
        _ => null,
    };

    /// <summary>("storage", type, key, location, count).</summary>
    protected override object persistentLoad(object pid)
    {
        if (pid is not object?[] { Length: >= 5 } parts || parts[0] as string != "storage" || parts[1] is not Constructor { Name: { } name }
            || parts[2] is not string key || Whole(parts[4]) is not { } count || count < 0)
            throw new InvalidDataException("a storage must have a type, a key and a count");
        return new Storage(key, Types.TryGetValue(name, out var known) ? known : null, name, count);
    }

    // (storage, offset, shape, strides, ...)
    private static StoredView View(object[] arguments)
    {
        if (arguments is not [Storage storage, var offset, object[] sizes, object[] steps, ..] || sizes.Length != steps.Length
            || sizes.Length > 16 || Whole(offset) is not { } first || first < 0)
            throw new InvalidDataException("a tensor must have a storage, an offset, sizes and strides");
        long[] Numbers(object[] values) => [.. values.Select(value => Whole(value) is { } number && number >= 0 ? number
            : throw new InvalidDataException("sizes and strides must be whole numbers of at least 0"))];
        return new StoredView(storage, first, Numbers(sizes), Numbers(steps));
    }

    private static long? Whole(object? value) => value switch { int whole => whole, long whole => whole, _ => null };

    /// <summary>Placeholder for a value of a checkpoint that is not a weight. Its state is not kept.</summary>
    private sealed class Skipped
    {
        [SuppressMessage("Performance", "CA1822", Justification = "The reader calls it by its name on the object.")]
        public void __setstate__(object state) { }
    }

    /// <summary>An ordered dictionary; the metadata that PyTorch sets on it is not kept.</summary>
    private sealed class Names : Hashtable
    {
        public Names(object[] arguments)
        {
            foreach (var pair in arguments is [ArrayList pairs] ? pairs.Cast<object>() : [])
            {
                if (pair is IList { Count: 2 } both)
                    this[both[0]!] = both[1];
            }
        }

        [SuppressMessage("Performance", "CA1822", Justification = "The reader calls it by its name on the object.")]
        public void __setstate__(object state) { }
    }

    private sealed class Constructor(Func<object[], object> construct) : IObjectConstructor
    {
        public string? Name { get; init; }

        object IObjectConstructor.construct(object[] arguments) => construct(arguments);
    }
}
