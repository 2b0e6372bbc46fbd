using System.Globalization;
using System.Reflection;
using Patchwork.Samples;

using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Samples;

[Collection(SerialCollection.Name)]
public sealed class SamplesTests
{
    [Fact]
    public void The_ten_lines_of_the_README_train_and_test()
    {
        Lane.NeedFull("three epochs on all photographs");
        using var output = new StringWriter();
        var console = Console.Out;
        Console.SetOut(output);
        try
        {
            Assembly.Load("TenLines").EntryPoint!.Invoke(null, [Array.Empty<string>()]);
        }
        finally
        {
            Console.SetOut(console);
        }
        var error = output.ToString().Trim().Split('\n')[^1];
        Assert.StartsWith("test error ", error, StringComparison.Ordinal);
        // Guessing the most frequent class is wrong on 75.4 % of the test images.
        Assert.InRange(double.Parse(error.Split(' ')[2], CultureInfo.CurrentCulture), 0, 75);
    }

    [Fact]
    public void Your_own_loop_learns()
    {
        Lane.NeedFull("two epochs");
        var losses = YourOwnLoop.Run(epochs: 2, _ => { });
        Assert.All(losses, loss => Assert.True(double.IsFinite(loss)));
        Assert.True(losses[^1] < losses[0], string.Join(", ", losses));
    }

    // On processors without bfloat16 it is emulated, which is slow.
    [Fact]
    public void Your_own_loop_in_bfloat16_learns_as_in_float32()
    {
        Assert.SkipUnless(Autocast.IsSupported, "the loaded libtorch has no autocast functions");
        var exact = MixedPrecision.Run(Precision.Float32, steps: 8, batchSize: 8, _ => { });
        var near = MixedPrecision.Run(Precision.BFloat16, steps: 8, batchSize: 8, _ => { });
        Assert.NotEqual(exact, near);
        Assert.Equal(exact.Average(), near.Average(), 0.02 * exact.Average());
    }

    [Fact]
    public void Your_own_callback_sees_every_epoch()
    {
        Lane.NeedFull("two epochs");
        var lines = new List<string>();
        YourOwnCallback.Run(epochs: 2, lines.Add);
        Assert.Equal(["epoch 1", "epoch 2"], lines.Select(line => line.Split(':')[0]));
        Assert.All(lines, line => Assert.True(double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture) > 0));
    }

    [Fact]
    public void The_article_trains_and_logs_its_three_grids()
    {
        Lane.NeedFull("trains");
        var folder = Directory.CreateTempSubdirectory("patchwork-article-").FullName;
        try
        {
            var lines = new List<string>();
            var result = TheArticle.Run(folder, epochs: 1, lines.Add);
            Assert.InRange(result.Test!.Top1Error, 0, 0.95);
            Assert.Contains(lines, line => line.StartsWith("mix audit:", StringComparison.Ordinal));
            // Event field 5 is the summary; its values (field 1) carry a tag (field 1).
            var tags = EventFileReader.Read(Directory.GetFiles(folder, "events.*").Single())
                .SelectMany(e => e.Where(field => field.Number == 5)).SelectMany(summary => summary.Message).Select(value => value[1].Text)
                    .ToList();
            foreach (var tag in (string[])["train_cutmix", "train_cut_from", "train_dif"])
                Assert.Equal(2, tags.Count(t => t == tag));      // steps 0 and 50 of 78
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
