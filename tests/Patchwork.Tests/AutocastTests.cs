using Patchwork.Data;
using Patchwork.Models;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests;

/// <summary>Mixed precision as libtorch defines it, in a scope that leaves nothing behind.</summary>
[Collection(SerialCollection.Name)]
public sealed class AutocastTests
{
    public AutocastTests() => Assert.SkipUnless(Autocast.IsSupported, "the loaded libtorch has no autocast functions");

    private static ScalarType ProductType()
    {
        using var scope = NewDisposeScope();
        return ones(2, 2).mm(ones(2, 2)).dtype;
    }

    [Fact]
    public void Products_are_bfloat16_in_a_scope_and_sums_and_what_is_outside_are_not()
    {
        using (Autocast.To(Precision.BFloat16))
        {
            Assert.Equal(ScalarType.BFloat16, ProductType());
            using var sum = ones(2).sum();
            Assert.Equal(ScalarType.Float32, sum.dtype);
        }
        Assert.Equal(ScalarType.Float32, ProductType());
    }

    // With AMX and .NET 10's own signal stack, this ends the process with exit code 139.
    [Fact]
    public void A_null_reference_after_a_scope_is_an_exception_on_any_thread()
    {
        Exception? caught = null;
        var thread = new Thread(() =>
        {
            using var scope = NewDisposeScope();
            using (Autocast.To(Precision.BFloat16))
                nn.functional.conv2d(ones(64, 16, 32, 32), ones(16, 16, 3, 3), padding: [1, 1]);
            string? nothing = null;
            caught = Record.Exception(() => nothing!.Length);
        });
        thread.Start();
        thread.Join();
        Assert.IsType<NullReferenceException>(caught);
    }

    [Fact]
    public void Scopes_nest_and_a_float32_one_switches_the_outer_one_off()
    {
        using (Autocast.To(Precision.BFloat16))
        {
            using (Autocast.To(Precision.Float32))
                Assert.Equal(ScalarType.Float32, ProductType());
            Assert.Equal(ScalarType.BFloat16, ProductType());
            using (Autocast.To(Precision.BFloat16))
                Assert.Equal(ScalarType.BFloat16, ProductType());
            Assert.Equal(ScalarType.BFloat16, ProductType());
        }
        Assert.Equal(ScalarType.Float32, ProductType());
    }

    [Fact]
    public void A_scope_ends_with_an_exception_too()
    {
        static void Fail()
        {
            using var autocast = Autocast.To(Precision.BFloat16);
            throw new InvalidOperationException();
        }
        Assert.Throws<InvalidOperationException>(Fail);
        Assert.Equal(ScalarType.Float32, ProductType());
    }

    [Fact]
    public void Other_threads_are_not_in_it()
    {
        var type = ScalarType.Byte;
        var other = new Thread(() => type = ProductType());
        using (Autocast.To(Precision.BFloat16))
        {
            other.Start();
            other.Join();
        }
        Assert.Equal(ScalarType.Float32, type);
    }

    [Fact]
    public void Other_devices_are_refused() =>
        Assert.Throws<InputException>(() => Autocast.To(Precision.BFloat16, device(DeviceType.META)).Dispose());

    // PyTorch's own scope would compute with the weights as they were at its beginning.
    [Fact]
    public void Weights_that_change_between_scopes_count_also_inside_an_outer_scope()
    {
        using var scope = NewDisposeScope();
        using var layer = nn.Linear(4, 1, hasBias: false);
        var x = ones(1, 4);
        using var outer = Autocast.To(Precision.BFloat16);
        double Answer()
        {
            using var inner = Autocast.To(Precision.BFloat16);
            return layer.call(x).ToDouble();
        }
        foreach (var value in (double[])[1, 2])
        {
            using (no_grad())
                layer.weight!.fill_(value);
            Assert.Equal(4 * value, Answer());
        }
    }

    [Fact]
    public void Auto_is_bfloat16_on_processors_on_which_it_is_faster()
    {
        Assert.SkipUnless(File.Exists("/proc/cpuinfo"), "reads Linux's /proc/cpuinfo");
        string Line(string key) => File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith(key, StringComparison.Ordinal));
        var flags = Line("flags").Split(' ');
        var amd = Line("vendor_id").EndsWith("AMD", StringComparison.Ordinal);
        var expected = flags.Contains("amx_bf16") || (amd && flags.Contains("avx512_bf16")) ? Precision.BFloat16 : Precision.Float32;
        Assert.Equal(expected, Autocast.Best(CPU));
        using var model = ModelZoo.Create("resnet8", 2);
        model.Precision = Precision.Auto;
        Assert.Equal(expected, model.Precision);
    }

    // One rounding to 8 bits is 2^-9 at most, 0.2 %. In a gradient roundings of ten layers, forward and back, add up with random signs: its
    // length hardly changes, its direction by a few degrees.
    [Fact]
    public void A_network_in_bfloat16_gives_float32_logits_and_gradients_near_its_own()
    {
        using var scope = NewDisposeScope();
        using var model = new SeedStream(1).Network(() => ModelZoo.Create("resnet8", 10));
        using var loader = new BatchLoader(DatasetCatalogue.Open("shapes", new DataOptions()).Train, new SeedStream(1),
            new LoaderOptions { BatchSize = 64 });
        var batch = loader.Epoch(0).First();
        (Tensor Logits, Tensor Gradient) Pass(Precision precision)
        {
            model.Precision = precision;
            model.zero_grad();
            var logits = model.call(batch.Images);
            nn.functional.cross_entropy(logits, batch.Labels).backward();
            return (logits.detach(), cat([.. model.parameters().Select(parameter => parameter.grad!.reshape(-1).clone())]));
        }
        var (exact, near) = (Pass(Precision.Float32), Pass(Precision.BFloat16));
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (near.Logits.dtype, near.Gradient.dtype));
        Assert.InRange(((near.Logits - exact.Logits).norm() / exact.Logits.norm()).ToDouble(), 1e-5, 0.01);
        var (length, exactLength) = (near.Gradient.norm().ToDouble(), exact.Gradient.norm().ToDouble());
        Assert.InRange(length / exactLength, 0.99, 1.01);
        Assert.InRange(near.Gradient.dot(exact.Gradient).ToDouble() / length / exactLength, 0.995, 0.999999);
    }

    [Fact]
    public void Steps_keep_no_tensors_and_no_copies_of_weights()
    {
        using var model = ModelZoo.Create("resnet8", 3);
        model.Precision = Precision.BFloat16;
        using var optimizer = optim.SGD(model.parameters(), 0.01);
        void Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            nn.functional.cross_entropy(model.call(randn(2, 3, 8, 8)), randint(3, [2])).backward();
            optimizer.step();
        }
        Step();
        var before = LiveTensors.Settled();
        for (var i = 0; i < 20; i++)
            Step();
        Assert.Equal(before, Tensor.TotalCount);
    }
}
