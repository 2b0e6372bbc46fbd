using System.Runtime.CompilerServices;

namespace Patchwork.Tests.Support;

/// <summary>Paths of files in the repository from which this test project was built.</summary>
internal static class Repository
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = Find();

    /// <summary>The full path of a file or folder, given its path from the root.</summary>
    public static string File(string path) => Path.Combine(Root, path.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>The C# files in the given folders and below, without build output.</summary>
    public static IEnumerable<string> Sources(params string[] folders) =>
        from folder in folders
        from file in Directory.EnumerateFiles(File(folder), "*.cs", SearchOption.AllDirectories)
        where !Path.GetRelativePath(Root, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")
        select file;

    private static string Find([CallerFilePath] string here = "")
    {
        var folder = Path.GetDirectoryName(here);
        while (folder is not null && !System.IO.File.Exists(Path.Combine(folder, "Patchwork.slnx")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"No Patchwork.slnx above {here}.");
    }
}
