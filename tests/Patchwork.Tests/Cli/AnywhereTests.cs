using System.Text.Json.Nodes;
using Patchwork.Recipes;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>A run does not depend on the folder or the environment in which it was started.</summary>
public sealed class AnywhereTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    // Another folder, in which the relative paths of the first one do not exist.
    private string Elsewhere => Directory.CreateDirectory(files.At("else/where")).FullName;

    private string? StoredData(string run) =>
        (string?)JsonNode.Parse(File.ReadAllText(Path.Combine(files.At(run), "recipe.json")))!["data"];

    private void Unfinish(string run) => File.Delete(Path.Combine(files.At(run), "result.json"));

    private void Succeed(string folder, string dataFolder, params string[] arguments)
    {
        var result = CommandLine.RunIn(folder, new() { ["PATCHWORK_DATA"] = dataFolder }, arguments);
        Assert.True(result.ExitCode == 0, result.Error);
    }

    private static readonly string[] Short = ["--epochs", "1", "--batch-size", "4", "--threads", "1", "--quiet"];

    [Fact]
    public void A_run_with_relative_paths_is_resumed_from_another_folder()
    {
        Lane.NeedFull("several trainings");
        Succeed(files.Folder, "", ["train", "--dataset", "folder", "--data", "pictures", "--image-size", "16", .. Short, "--out", "first"]);
        Assert.Equal(files.Pictures, StoredData("first"));
        Succeed(files.Folder, "", ["train", "--dataset", "folder", "--data", "pictures", "--image-size", "16", "--weights",
            "first/checkpoints/last.safetensors", .. Short, "--out", "second"]);
        Unfinish("second");
        foreach (var file in Directory.GetFiles(files.At("second/checkpoints"), "*.*")
            .Where(file => !file.EndsWith("model.json", StringComparison.Ordinal)))
            File.Delete(file);      // so that the weights are needed again
        Succeed(Elsewhere, "", "train", "--resume", "--out", files.At("second"));
    }

    [Fact]
    public void A_run_with_data_from_the_environment_variable_resumes_without_it_and_after_the_data_moved()
    {
        WriteDigits(files.At("mnist"));
        Succeed(Elsewhere, files.Folder, ["train", "--dataset", "mnist", .. Short, "--out", files.At("run")]);
        Assert.Equal(files.At("mnist"), StoredData("run"));
        Unfinish("run");
        Succeed(Elsewhere, "", "train", "--resume", "--out", files.At("run"));      // an empty variable counts as not set
        Unfinish("run");
        Directory.Move(files.At("mnist"), Path.Combine(Directory.CreateDirectory(files.At("moved")).FullName, "mnist"));
        Succeed(Elsewhere, files.At("moved"), "train", "--resume", "--out", files.At("run"));
    }

    [Fact]
    public void A_comparison_resumes_from_another_folder()
    {
        Lane.NeedFull("several trainings");
        string[] Compare(string data) =>
            ["compare", "--methods", "baseline", "--seeds", "1", "--dataset", "folder", "--data", data, "--image-size", "16", .. Short,
            "--out", files.At("compared")];
        Succeed(files.Folder, "", Compare("pictures"));
        var result = Path.Combine(files.At("compared"), "baseline-seed1", "result.json");
        var before = File.ReadAllText(result);
        Succeed(Elsewhere, "", Compare("../../pictures"));
        Succeed(Elsewhere, "", Compare(files.Pictures));
        Assert.Equal(before, File.ReadAllText(result));      // including the measured seconds
    }

    [Fact]
    public void The_embedded_set_has_no_folder() => Assert.Null(RecipePaths.Settled(new Recipe { Data = "anywhere" }).Data);

    // MNIST in miniature: 40 and 20 images.
    private static void WriteDigits(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (part, count) in (ReadOnlySpan<(string, byte)>)[("train", 40), ("t10k", 20)])
        {
            File.WriteAllBytes(Path.Combine(folder, $"{part}-images-idx3-ubyte"),
                [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 28, 0, 0, 0, 28, .. Enumerable.Range(0, count * 784).Select(i => (byte)(i * 7))]);
            File.WriteAllBytes(Path.Combine(folder, $"{part}-labels-idx1-ubyte"),
                [0, 0, 8, 1, 0, 0, 0, count, .. Enumerable.Range(0, count).Select(i => (byte)(i % 10))]);
        }
    }
}
