using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

/// <summary>
/// Tests localization with a network that responds where its class is, one that responds everywhere else, and images whose objects are near
/// a corner.
/// </summary>
[Collection(SerialCollection.Name)]
public sealed class LocalizationSuiteTests : IDisposable
{
    private readonly Squares images = new();
    private readonly nn.Module<Tensor, Tensor> seeing = Network(1), averted = Network(-1);

    public void Dispose()
    {
        seeing.Dispose();
        averted.Dispose();
    }

    // Channel k supports class k where it is bright or, with the other sign, where it is dark.
    private static nn.Module<Tensor, Tensor> Network(float sign)
    {
        var (colours, classifier) = (nn.Conv2d(3, 3, 1), nn.Linear(3, 3));
        using (no_grad())
        {
            colours.weight.copy_(eye(3).reshape(3, 3, 1, 1) * sign);
            colours.bias!.fill_(sign > 0 ? 0 : 1);
            classifier.weight.copy_(eye(3));
            classifier.bias!.fill_(0);
        }
        return nn.Sequential(("colours", colours), ("relu", nn.ReLU()), ("pool", nn.AdaptiveAvgPool2d(1)), ("flat", nn.Flatten()),
            ("fc", classifier));
    }

    private Subject Subject(nn.Module<Tensor, Tensor> network) => new(network, images, new SeedStream(0)) { BatchSize = 5 };

    private static double Value(SuiteResult result, string metric) => result.Metrics[metric].Value;

    [Fact]
    public void A_network_that_responds_to_its_objects_localizes_all_and_one_that_ignores_them_none()
    {
        var (sees, misses) = (new LocalizationSuite().Measure(Subject(seeing)), new LocalizationSuite().Measure(Subject(averted)));
        foreach (var metric in (string[])["top1_localization", "gt_known_localization", "max_box_acc", "max_box_acc_v2", "pxap"])
            Assert.Equal(1, Value(sees, metric));
        // MaxBoxAccV2 is not checked: the rim of a hole is a contour too, and the map of this network has a hole where the object is.
        foreach (var metric in (string[])["top1_localization", "gt_known_localization", "max_box_acc"])
            Assert.Equal(0, Value(misses, metric));
        Assert.All(sees.PerImage["gt_known_localization"], found => Assert.Equal(1, found));
    }

    [Fact]
    public void The_centre_baseline_depends_only_on_the_boxes()
    {
        var (sees, misses) = (new LocalizationSuite().Measure(Subject(seeing)), new LocalizationSuite().Measure(Subject(averted)));
        Assert.Equal(sees.Metrics["centre_max_box_acc_v2"], misses.Metrics["centre_max_box_acc_v2"]);
        Assert.Equal(0, Value(sees, "centre_max_box_acc"));      // no centred square overlaps a box near the corner by half
    }

    [Fact]
    public void Grad_CAM_at_the_ReLU_layer_localizes_as_the_class_activation_map_does()
    {
        var result = new LocalizationSuite { Layer = "relu" }.Measure(Subject(seeing));
        Assert.Equal(1, Value(result, "max_box_acc_v2"));
        var misspelled = new LocalizationSuite { Layer = "relv" };
        Assert.Contains("Did you mean 'relu'?", Assert.Throws<InputException>(() => misspelled.Measure(Subject(seeing))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Results_do_not_depend_on_the_batch_size_and_no_tensor_leaks()
    {
        var suite = new LocalizationSuite();
        var first = suite.Measure(Subject(averted));
        var before = LiveTensors.Settled();
        var shares = new List<double>();
        Assert.Equal(first.Metrics, suite.Measure(Subject(averted) with { BatchSize = 60, Progress = shares.Add }).Metrics);
        Assert.Equal(before, Tensor.TotalCount);
        Assert.Equal(1, shares[^1], 1e-12);
    }

    [Fact]
    public void A_data_set_without_boxes_cannot_be_measured()
    {
        Assert.Null(new LocalizationSuite().Missing(images));
        Assert.Contains("boxes", new LocalizationSuite().Missing(new NoiseImages())!, StringComparison.Ordinal);
    }

    /// <summary>Black images with a square of 6×6 near a corner, in the channel of the class. The last image has no box.</summary>
    private sealed class Squares : Dataset
    {
        public override int Count => 13;

        public override int Channels => 3;

        public override int Height => 20;

        public override int Width => 24;

        public override IReadOnlyList<string> ClassNames { get; } = ["red", "green", "blue"];

        public override Normalization Normalization { get; } = new([0f, 0f, 0f], [1f, 1f, 1f]);

        public override int Label(int index) => index % 3;

        private static Box Place(int index) =>
            new(index % 2 == 0 ? 0 : 13, index % 4 < 2 ? 1 : 17, index % 2 == 0 ? 6 : 19, index % 4 < 2 ? 7 : 23);

        public override Box? ObjectBox(int index) => index == Count - 1 ? null : Place(index);

        public override ReadOnlySpan<byte> ObjectMask(int index)
        {
            var mask = new byte[Height * Width];
            Fill(mask, Place(index), 1);
            return mask;
        }

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var pixels = new byte[ImageBytes];
            Fill(pixels.AsSpan(Label(index) * Height * Width), Place(index), 255);
            return pixels;
        }

        private void Fill(Span<byte> plane, Box box, byte value)
        {
            for (var y = box.Top; y < box.Bottom; y++)
                plane.Slice(y * Width + box.Left, box.Width).Fill(value);
        }
    }
}
