using Patchwork.Tests.Data;
using SkiaSharp;

namespace Patchwork.Tests.Support;

/// <summary>A folder with small images of three classes, deleted after the test.</summary>
internal sealed class PictureSet : IDisposable
{
    private static readonly SKColor[] Colors = [SKColors.Firebrick, SKColors.SeaGreen, SKColors.RoyalBlue];
    private static readonly string[] Classes = ["blue", "green", "red"];

    /// <summary>The folder; the images are in <see cref="Pictures"/>.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("patchwork-cli-").FullName;

    /// <summary>The folder of the data set.</summary>
    public string Pictures => At("pictures");

    /// <summary>A path in the folder.</summary>
    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>Paints the images: 16×16 pixels, in the colour of the class with varying brightness.</summary>
    public PictureSet Paint(int perClass = 30)
    {
        for (var label = 0; label < Classes.Length; label++)
        {
            for (var i = 0; i < perClass; i++)
            {
                var (color, shade) = (Colors[Classes.Length - 1 - label], i);
                PictureFiles.Write(Path.Combine(Pictures, Classes[label], $"{i:D3}.png"), PictureFiles.Paint(16, 16,
                    (y, x) => new SKColor((byte)(color.Red ^ (shade + y)), (byte)(color.Green ^ (shade * 3 + x)),
                        (byte)(color.Blue ^ (x * y % 16)))));
            }
        }
        return this;
    }

    /// <summary>Copies a folder within this one.</summary>
    public void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(At(from), "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(At(to), Path.GetRelativePath(At(from), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>The flags of a short run on the images.</summary>
    public string[] Flags(string run, int epochs = 2) =>
        ["--dataset", "folder", "--data", Pictures, "--image-size", "16", "--epochs", $"{epochs}", "--batch-size", "4", "--threads", "1",
            "--out", At(run)];

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
