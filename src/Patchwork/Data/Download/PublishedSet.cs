namespace Patchwork.Data;

/// <summary>A file of a data set at its official home.</summary>
/// <param name="Address">Where it is published.</param>
/// <param name="Md5">The checksum that its publisher gives, lower-case hexadecimal.</param>
public sealed record PublishedFile(Uri Address, string Md5)
{
    /// <summary>The file's name.</summary>
    public string Name => Path.GetFileName(Address.LocalPath);
}

/// <summary>The files of a data set that <see cref="Downloader"/> downloads.</summary>
/// <param name="Id">Id of the data set.</param>
/// <param name="Folder">Name of the folder that it is stored in.</param>
/// <param name="Files">Its files; an archive is unpacked.</param>
/// <param name="UnpackedLimit">Maximum number of bytes that its archive may unpack to.</param>
public sealed record PublishedSet(string Id, string Folder, IReadOnlyList<PublishedFile> Files, long UnpackedLimit);
