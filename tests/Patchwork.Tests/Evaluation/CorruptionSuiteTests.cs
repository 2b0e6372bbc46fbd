using System.Buffers.Binary;
using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Reporting;
using Patchwork.Tests.Data;
using Patchwork.Tests.Formats;
using Patchwork.Tests.Support;
using SkiaSharp;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class CorruptionSuiteTests : IDisposable
{
    private const int Images = 6, Side = 8;

    private readonly string folder = Directory.CreateTempSubdirectory().FullName;
    private readonly NoiseImages images = new(count: Images, height: Side, width: Side);
    private readonly nn.Module<Tensor, Tensor> network;

    public CorruptionSuiteTests()
    {
        new SeedStream(1).SeedTorch("test");
        network = nn.Sequential(nn.Flatten(), nn.Linear(3 * Side * Side, 3));
    }

    public void Dispose()
    {
        network.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private Subject Subject => new(network, images, new SeedStream(0)) { BatchSize = 4 };

    // Writes the images that the suite generates, in the layout of the published files.
    private void Publish(bool extra = true)
    {
        foreach (var kind in Corruption.All.Where(kind => kind.Main || extra))
        {
            var pixels = new List<byte>();
            for (var severity = 1; severity <= Corruption.Severities; severity++)
            {
                var set = kind.Of(images, severity, new SeedStream(0));
                for (var i = 0; i < Images; i++)
                {
                    var planar = set.Read(i, new byte[set.ImageBytes]).ToArray();
                    pixels.AddRange(Enumerable.Range(0, planar.Length).Select(at => planar[at % 3 * Side * Side + at / 3]));
                }
            }
            File.WriteAllBytes(At($"{kind.Id}.npy"), NpyFileTests.File("|u1", $"{5 * Images}, {Side}, {Side}, 3", [.. pixels]));
        }
        WriteLabels([.. Enumerable.Range(0, 5 * Images).Select(i => (byte)images.Label(i % Images))]);
    }

    private void WriteLabels(byte[] labels) => File.WriteAllBytes(At("labels.npy"), NpyFileTests.File("|u1", $"{labels.Length},", labels));

    private string At(string file) => Path.Combine(folder, file);

    [Fact]
    public void The_mean_is_unweighted_over_the_fifteen_main_kinds_and_five_severities()
    {
        var result = new CorruptionSuite().Measure(Subject);
        var table = result.Tables["errors"];
        Assert.Equal(CorruptionSuite.Kinds, table.Select(row => Corruption.All[(int)row[0]].Id));
        Assert.Equal(table.Take(15).Average(row => row.Skip(1).Average()), result.Metrics["mean_corruption_error"].Value, 1e-12);
        Assert.Equal(table.Skip(15).Average(row => row.Skip(1).Average()), result.Metrics["mean_extra_corruption_error"].Value, 1e-12);
        foreach (var row in table)
            Assert.Equal(row.Skip(1).Average(), result.Metrics[$"{CorruptionSuite.Kinds[(int)row[0]]}_error"].Value, 1e-12);
        Assert.Equal(Images, result.PerImage["mean_corruption_error"].Count);
    }

    [Fact]
    public void Published_files_are_measured_under_separate_metric_names()
    {
        Publish();
        var suite = new CorruptionSuite { Published = folder };
        suite.Check(images);
        var (drawn, read) = (new CorruptionSuite().Measure(Subject), suite.Measure(Subject));
        Assert.Equal(drawn.Metrics.Select(metric => ($"published_{metric.Key}", metric.Value)),
            read.Metrics.Select(metric => (metric.Key, metric.Value)));
        Assert.Equal(drawn.Tables["errors"], read.Tables["published_errors"]);
    }

    [Fact]
    public void Extra_kinds_may_be_missing_and_a_limit_keeps_every_class()
    {
        Publish(extra: false);
        using var published = PublishedCorruptions.Open(folder, limit: 3);
        Assert.Equal(15, published.Kinds.Count);
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 3).Select(published.Of(new Fog(), 4, images).Label).Order());
        var result = new CorruptionSuite { Published = folder }.Measure(Subject with { Limit = 3 });
        Assert.Equal(3, result.Metrics["published_fog_error"].N);
        Assert.DoesNotContain("published_mean_extra_corruption_error", result.Metrics.Keys);
    }

    [Fact]
    public void Invalid_published_files_are_rejected_with_the_reason()
    {
        string Refusal() => Assert.Throws<InputException>(() => PublishedCorruptions.Open(folder).Dispose()).Message;

        Assert.Contains("labels.npy, which does not exist", Refusal(), StringComparison.Ordinal);
        Publish();
        WriteLabels(new byte[25]);
        Assert.Contains("must contain uint8 (25, rows, columns, 3)", Refusal(), StringComparison.Ordinal);
        WriteLabels(new byte[7]);
        Assert.Contains("Received: uint8 (7)", Refusal(), StringComparison.Ordinal);
        Publish();
        File.Delete(At("snow.npy"));
        Assert.Contains("snow.npy, which does not exist", Refusal(), StringComparison.Ordinal);

        Publish();
        var labels = new byte[8 * 30];
        BinaryPrimitives.WriteInt64LittleEndian(labels.AsSpan(8 * 29), 7);
        File.WriteAllBytes(At("labels.npy"), NpyFileTests.File("<i8", "30,", labels));
        using var published = PublishedCorruptions.Open(folder);
        Assert.Contains("A label must be from 0 to 2. Received: 7",
            Assert.Throws<InputException>(() => published.Of(new Fog(), 1, images)).Message, StringComparison.Ordinal);
        var other = new NoiseImages();
        Assert.Contains("Received: 8×8", Assert.Throws<InputException>(() => published.Of(new Fog(), 1, other)).Message,
            StringComparison.Ordinal);
        var suite = new CorruptionSuite { Published = folder };
        Assert.Contains("Received: 8×8", Assert.Throws<InputException>(() => suite.Check(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_sheet_shows_every_kind_at_every_severity()
    {
        using var sheet = SKBitmap.Decode(CorruptionSheet.Png(images, 0, new SeedStream(0)));
        Assert.Equal(2 + 12 * (3 * Side + 2), sheet.Width);
        Assert.True(sheet.Height > 10 * 3 * Side);
        Assert.Contains("Received: 1",
            Assert.Throws<ArgumentException>(() => CorruptionSheet.Png(new NoiseImages(channels: 1), 0, new SeedStream(0))).Message,
            StringComparison.Ordinal);
    }
}
