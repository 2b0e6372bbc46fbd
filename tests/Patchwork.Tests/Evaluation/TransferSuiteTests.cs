using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class TransferSuiteTests
{
    private readonly NoiseImages images = new(count: 40, height: 32, width: 32);

    // Networks that always predict class 0 stand in for the trained ones.
    [Fact]
    public void Both_retrainings_are_requested_and_their_networks_measured_on_the_other_set()
    {
        var asked = new List<Retraining>();
        using var network = Constant();
        var subject = new Subject(network, images, new SeedStream(0))
        {
            Limit = 40,
            Retrain = (wanted, progress) =>
            {
                asked.Add(wanted);
                progress(1);
                return Constant();
            },
        };
        var result = new TransferSuite { To = "shapes", Epochs = 3 }.Measure(subject);
        Assert.Equal(["probe_error", "finetuning_error"], result.Metrics.Keys);
        // ten classes with four images each, of which only class 0 is right
        Assert.All(result.Metrics.Values, metric => Assert.Equal((0.9, 40), (metric.Value, metric.N)));
        Assert.Equal([true, false], asked.Select(one => one.LastLayerOnly));
        Assert.Equal(["shapes-probe-3", "shapes-finetuning-3"], asked.Select(one => one.Name));
        Assert.All(asked, one => Assert.Equal(("shapes", 3), (one.Dataset, one.Epochs)));
    }

    [Fact]
    public void Invalid_transfer_settings_are_rejected()
    {
        Assert.Contains("`TransferSuite.To`", new TransferSuite().Missing(images)!, StringComparison.Ordinal);
        Assert.Null(new TransferSuite { To = "shapes" }.Missing(images));
        var grey = new NoiseImages(channels: 1);
        Assert.Contains("the same number of channels, 1. Received: shapes, which has 3",
            Assert.Throws<InputException>(() => new TransferSuite { To = "shapes" }.Check(grey)).Message, StringComparison.Ordinal);
        Assert.Contains("`TransferSuite.Epochs` must be 1 to 100000. Received: 0",
            Assert.Throws<InputException>(() => new TransferSuite { Epochs = 0 }).Message, StringComparison.Ordinal);
        var epochs = new TransferSuite().Options.Single(option => option.Name == "transfer-epochs");
        Assert.Contains("must be a whole number. Received: many",
            Assert.Throws<InputException>(() => epochs.Set(new TransferSuite(), "many")).Message, StringComparison.Ordinal);
    }

    private static nn.Module<Tensor, Tensor> Constant()
    {
        var last = nn.Linear(3 * 32 * 32, 10);
        using (no_grad())
        {
            last.weight.zero_();
            last.bias!.copy_(eye(10)[0]);
        }
        return nn.Sequential(nn.Flatten(), last);
    }
}
