using Patchwork.Data;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>A last batch that BatchNorm could not normalize is merged into the previous one, and every image is still used once.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class LeastBatchTests
{
    private static int[][] Ids(int count, int batch, int least)
    {
        using var loader = new BatchLoader(new KnownDataset(new int[count]), new SeedStream(1),
            new LoaderOptions { BatchSize = batch, LeastBatch = least, Threads = 0 });
        var ids = loader.Epoch(0).Select(one => one.Ids.ToArray()).ToArray();
        Assert.Equal(loader.Steps, ids.Length);
        return ids;
    }

    [Theory]
    [InlineData(9, 8, 2, new[] { 9 }), InlineData(9, 8, 1, new[] { 8, 1 }), InlineData(10, 8, 2, new[] { 8, 2 })]
    [InlineData(17, 8, 2, new[] { 8, 9 }), InlineData(16, 8, 2, new[] { 8, 8 }), InlineData(1, 8, 2, new[] { 1 })]
    [InlineData(3, 2, 2, new[] { 3 }), InlineData(5, 1, 1, new[] { 1, 1, 1, 1, 1 })]
    public void Every_image_is_in_exactly_one_batch(int count, int batch, int least, int[] sizes)
    {
        var ids = Ids(count, batch, least);
        Assert.Equal(sizes, ids.Select(one => one.Length));
        Assert.Equal(Enumerable.Range(0, count), ids.SelectMany(one => one).Order());
    }

    // The map of the last stage of ResNet-18 has one position at 8×8 and several at 32×32.
    [Theory, InlineData("resnet18", 8, 2), InlineData("resnet18", 32, 1), InlineData("resnet8", 8, 1)]
    public void The_smallest_batch_depends_on_the_network_and_the_image_size(string model, int side, int expected)
    {
        using var network = ModelZoo.Create(model, 3, 3, side);
        Assert.Equal(expected, NormalizedValues.LeastBatch(network, 3, side, side));
        Assert.All(network.named_buffers().Where(buffer => buffer.name.EndsWith("running_var", StringComparison.Ordinal)),
            buffer => Assert.True(buffer.buffer.isfinite().all().ToBoolean(), buffer.name));
    }

    // Nine training images in batches of eight leave one image over, and so do batches that are processed in parts.
    [Theory, InlineData(8, 1), InlineData(4, 2), InlineData(2, 4)]
    public void Running_statistics_stay_finite(int batch, int accumulate)
    {
        using var files = new PictureSet();
        files.Paint(perClass: 4);      // three classes: nine train, three test
        var trained = CommandLine.Run("train", "--dataset", "folder", "--data", files.Pictures, "--image-size", "8", "--model", "resnet18",
            "--validation", "test", "--batch-size", $"{batch}", "--accumulate", $"{accumulate}", "--epochs", "1", "--threads", "1", "--quiet",
            "--out", files.At("run"));
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Equal(0, CommandLine.Run("predict", files.At("run"), Directory.GetFiles(Path.Combine(files.Pictures, "red"))[0]).ExitCode);
    }

    [Fact]
    public void A_batch_size_of_1_is_rejected_if_it_cannot_be_normalized()
    {
        using var files = new PictureSet();
        files.Paint(perClass: 4);
        Assert.Contains("--batch-size must be 2 or more for resnet18", CommandLine.Run("train", "--dataset", "folder", "--data",
            files.Pictures, "--image-size", "8", "--model", "resnet18", "--batch-size", "1", "--threads", "1", "--out", files.At("run"))
            .Refusal(), StringComparison.Ordinal);
    }

    // From a bug report: a learning rate at which the validation loss is not finite must end the run with the promised message.
    [Fact]
    public void A_validation_loss_that_is_not_finite_ends_the_run_with_a_message()
    {
        using var files = new PictureSet();
        files.Paint(perClass: 10);
        var failure = CommandLine.Run("train", "--dataset", "folder", "--data", files.Pictures, "--image-size", "8", "--batch-size", "64",
            "--optimizer", "sgd", "--lr", "1e4", "--schedule", "constant", "--epochs", "3", "--threads", "1", "--quiet", "--out",
            files.At("run")).Failure();
        Assert.Matches("loss must be finite.*epoch 1.*--lr.*--clip", failure);
        Assert.False(File.Exists(files.At("run/checkpoints/last.safetensors")));
    }
}
