using System.Globalization;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Formats;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

[Collection(SerialCollection.Name)]
public sealed class StoredWeightsTests
{
    // Rounding may change the class of a few images on another machine: 0.05 points are five of ten thousand images.
    [Theory, InlineData("baseline"), InlineData("cutmix")]
    public void Stored_weights_have_the_error_in_their_table(string method)
    {
        Lane.NeedFull("10,000 images per network");
        Assert.SkipUnless(Environment.GetEnvironmentVariable("PATCHWORK_DATA") is { } folder
            && Directory.Exists(Path.Combine(folder, "cifar-100-binary")), "needs CIFAR-100 in $PATCHWORK_DATA");
        var row = File.ReadAllLines(Repository.File("results/cifar100-10000-plain-resnet20.csv")).Select(line => line.Split(','))
            .Single(row => row[0] == method && row[1] == "1");
        using var model = ModelZoo.Create("resnet20", 100);
        Safetensors.LoadInto(Repository.File($"results/weights/cifar100-10000-plain-resnet20-{method}.safetensors"), model);
        var test = DatasetCatalogue.Open("cifar100", new DataOptions()).Test;
        var error = new CleanSuite().Measure(new Subject(model, test, new SeedStream(0))).Metrics["top1_error"].Value;
        Assert.Equal(double.Parse(row[3], CultureInfo.InvariantCulture), 100 * error, 0.05);
    }
}
