using System.Text.Json;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>Compares ShakeDrop with outputs and gradients of the public PyTorch code (owruby/shake-drop_pytorch).</summary>
[Collection(SerialCollection.Name)]
public sealed class ShakeDropTests : IDisposable
{
    private readonly JsonDocument _vectors = Vectors.Open("shakedrop.json");
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<int> Cases
    {
        get
        {
            using var vectors = Vectors.Open("shakedrop.json");
            return [.. Enumerable.Range(0, vectors.RootElement.GetProperty("cases").GetArrayLength())];
        }
    }

    public void Dispose()
    {
        _scope.Dispose();
        _vectors.Dispose();
    }

    [Theory, MemberData(nameof(Cases))]
    public void Outputs_and_gradients_match_the_recorded_ones(int index)
    {
        var item = _vectors.RootElement.GetProperty("cases")[index];
        var shape = item.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64()).ToArray();
        var x = Values(item, "x", shape).requires_grad_();
        var y = item.GetProperty("mode").GetString() == "train"
            ? ShakeDrop.Apply(x, item.GetProperty("gate").GetDouble() == 1, Values(item, "alpha", [-1, 1, 1, 1]),
                Values(item, "beta", [-1, 1, 1, 1]))
            : Evaluated(x, item.GetProperty("p_drop").GetDouble());
        y.backward([Values(item, "grad_output", shape)]);
        AssertNear(item.GetProperty("y"), y);
        AssertNear(item.GetProperty("grad_input"), x.grad!);
    }

    [Fact]
    public void Every_unit_has_the_recorded_drop_probability()
    {
        foreach (var table in _vectors.RootElement.GetProperty("p_drop_tables").EnumerateArray())
        {
            var expected = table.GetProperty("p_drop").Numbers();
            for (var l = 1; l <= expected.Length; l++)
            {
                var layer = Assert.IsType<ShakeDropLayer>(new ShakeDrop().LayerAt(new BlockPlace(l, expected.Length, 1, 3)));
                Assert.Equal(expected[l - 1], layer.DropProbability, 5e-10);
                layer.Dispose();
            }
        }
    }

    private static Tensor Evaluated(Tensor x, double dropProbability)
    {
        using var layer = new ShakeDrop { DropProbability = dropProbability }.LayerAt(new BlockPlace(1, 1, 1, 1));
        layer.eval();
        return layer.call(x);
    }

    private static Tensor Values(JsonElement item, string name, long[] shape) =>
        tensor(item.GetProperty(name).Numbers().Select(value => (float)value).ToArray()).reshape(shape);

    private static void AssertNear(JsonElement expected, Tensor actual)
    {
        foreach (var (want, have) in expected.Numbers().Zip(ReferenceFill.Values(actual), ValueTuple.Create))
            Assert.Equal(want, have, 1e-6);
    }
}
