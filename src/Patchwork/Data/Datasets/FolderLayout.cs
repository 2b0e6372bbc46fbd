namespace Patchwork.Data;

/// <summary>
/// How a folder of pictures is divided: <c>train/</c>, <c>val/</c> (or <c>valid/</c>, <c>validation/</c>) and <c>test/</c>, in any case,
/// each with one folder per class; or only the folders of the classes.
/// </summary>
/// <param name="Train">Folder of the training pictures; if <paramref name="Test"/> is null, of all pictures.</param>
/// <param name="Validation">Folder of the validation pictures; null if there is none, or if it is the test set.</param>
/// <param name="Test">Folder of the test pictures; null if they are split off from the others.</param>
internal sealed record FolderLayout(string Train, string? Validation, string? Test)
{
    /// <summary>Notes on the layout, each a sentence without its full stop.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>Finds the layout of an existing folder.</summary>
    /// <exception cref="InputException">Two folders are the same part, or the pictures are not sorted into classes.</exception>
    public static FolderLayout Of(string root)
    {
        string[] folders = [.. PictureListing.FoldersIn(root)];
        string? Named(SetPart part)
        {
            string[] fitting = [.. folders.Where(folder => PartNames.Find(Path.GetFileName(folder)) == part)];
            return fitting.Length <= 1 ? fitting.FirstOrDefault() : throw new InputException(
                $"{root} must have one folder for each part. Received: {string.Join(" and ", fitting.Select(Path.GetFileName))}. "
                + "Merge their pictures, or remove one folder.");
        }
        var (train, validation, test) = (Named(SetPart.Train), Named(SetPart.Validation), Named(SetPart.Test));
        if (folders.Length > 0 && folders.All(folder => folder == train || folder == validation || folder == test)
            && folders.All(folder => !HoldsClasses(folder)))
            throw new InputException($"{root} must have a folder for each class inside "
                + $"{string.Join(" and ", folders.Select(Path.GetFileName))}. Received: pictures without a class. Sort them into one "
                + "folder per class.");
        if (train is null || !HoldsClasses(train))
        {
            // A class may be called train, as in pictures of vehicles; a test or validation part without a train part is a mistake.
            if ((HoldsClasses(validation) ? validation : HoldsClasses(test) ? test : null) is { } alone)
                throw new InputException($"{root} must have a train folder next to {Path.GetFileName(alone)}. Received: none with a folder "
                    + "per class. Add it, or set `Data` to the folder of the classes themselves.");
            return new FolderLayout(root, null, null);
        }
        var notes = new List<string>();
        string?[] named = [train, validation, test];
        if (test is not null && !HoldsClasses(test))
        {
            notes.Add($"{Path.GetFileName(test)}/ has no class folders and is not used");
            test = null;
        }
        if (validation is not null && !HoldsClasses(validation))
        {
            notes.Add($"{Path.GetFileName(validation)}/ has no class folders and is not used");
            validation = null;
        }
        if (test is null && validation is not null)
        {
            notes.Add($"{Path.GetFileName(validation)}/ is the test set, because there is no other");
            (test, validation) = (validation, null);
        }
        notes.AddRange(folders.Except(named).Select(folder => $"{Path.GetFileName(folder)}/ is next to the parts and is not used"));
        if (PictureListing.In(root, []) is { Length: > 0 } loose)
            notes.Add($"{loose.Length} {(loose.Length == 1 ? "image" : "images")} next to {Path.GetFileName(train)}/ "
                + $"{(loose.Length == 1 ? "is" : "are")} not used");
        return new FolderLayout(train, validation, test) { Notes = notes };
    }

    /// <summary>The test part of a folder, or the validation part if that is the test set; null if there is neither.</summary>
    public static string? TestPartOf(string root) =>
        PartNames.Of(SetPart.Test).Concat(PartNames.Of(SetPart.Validation)).Select(name => PictureListing.FoldersIn(root)
            .FirstOrDefault(folder => name.Equals(Path.GetFileName(folder), StringComparison.OrdinalIgnoreCase)))
        .FirstOrDefault(folder => folder is not null);

    private static bool HoldsClasses(string? folder) =>
        folder is not null && PictureListing.FoldersIn(folder).SelectMany(Directory.EnumerateFiles)
            .Any(path => PictureListing.ReasonAgainst(path) is null);
}
