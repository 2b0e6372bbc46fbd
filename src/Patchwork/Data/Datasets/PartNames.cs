namespace Patchwork.Data;

/// <summary>A part of a data set.</summary>
internal enum SetPart
{
    /// <summary>What is trained on.</summary>
    Train,

    /// <summary>What chooses the best epoch.</summary>
    Validation,

    /// <summary>What is tested on.</summary>
    Test,
}

/// <summary>What people call the parts of a data set, as folders, files and cells; in any case.</summary>
internal static class PartNames
{
    /// <summary>Names of each part.</summary>
    public static string[] Of(SetPart part) => part switch
    {
        SetPart.Train => ["train", "training"],
        SetPart.Validation => ["val", "valid", "validation"],
        _ => ["test", "testing"],
    };

    /// <summary>All of them.</summary>
    public static IEnumerable<string> All => Enum.GetValues<SetPart>().SelectMany(Of);

    /// <summary>The part of a name; null for another word.</summary>
    public static SetPart? Find(string name) => Enum.GetValues<SetPart>()
        .Where(part => Of(part).Contains(name, StringComparer.OrdinalIgnoreCase)).Select(part => (SetPart?)part).FirstOrDefault();
}
