namespace Patchwork.Data;

/// <summary>A part of a data set.</summary>
internal enum SetPart
{
    /// <summary>The training images.</summary>
    Train,

    /// <summary>The validation images, which choose the best epoch.</summary>
    Validation,

    /// <summary>The test images.</summary>
    Test,
}

/// <summary>The usual names of the parts of a data set, for folders, files and cells of a table; case does not matter.</summary>
internal static class PartNames
{
    /// <summary>The names of a part.</summary>
    public static string[] Of(SetPart part) => part switch
    {
        SetPart.Train => ["train", "training"],
        SetPart.Validation => ["val", "valid", "validation"],
        _ => ["test", "testing"],
    };

    /// <summary>The names of all parts.</summary>
    public static IEnumerable<string> All => Enum.GetValues<SetPart>().SelectMany(Of);

    /// <summary>The part with a name; null if it is not the name of a part.</summary>
    public static SetPart? Find(string name) => Enum.GetValues<SetPart>()
        .Where(part => Of(part).Contains(name, StringComparer.OrdinalIgnoreCase)).Select(part => (SetPart?)part).FirstOrDefault();
}
