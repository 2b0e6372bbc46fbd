using System.Text.Json;
using Patchwork.Regularization;
using Patchwork.Schedules;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>Compares the reference laws of DropBlock with masks and outputs of timm, miguelvr/dropblock and torchvision 0.14.1.</summary>
[Collection(SerialCollection.Name)]
public sealed class DropBlockTests : IDisposable
{
    private readonly JsonDocument _vectors = Vectors.Open("dropblock.json");
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<int> Cases
    {
        get
        {
            using var vectors = Vectors.Open("dropblock.json");
            return [.. Enumerable.Range(0, vectors.RootElement.GetProperty("cases").GetArrayLength())];
        }
    }

    public void Dispose()
    {
        _scope.Dispose();
        _vectors.Dispose();
    }

    [Theory, MemberData(nameof(Cases))]
    public void Recorded_seeds_give_the_recorded_mask_and_output(int index)
    {
        var item = _vectors.RootElement.GetProperty("cases")[index];
        var method = Method(item);
        var shape = Shape(item, "shape");
        var (height, width) = ((int)shape[2], (int)shape[3]);
        var seedShape = method.SeedShape(shape);
        Assert.Equal(Shape(item, "seed_shape"), method.Law == DropBlockLaw.Miguelvr ? [seedShape[0], .. seedShape[2..]] : seedShape);
        Assert.Equal(item.GetProperty("gamma").GetDouble(), method.Gamma(height, width, item.GetProperty("drop_prob").GetDouble()), 1e-9);

        var mask = method.KeepMask(Seeds(item).reshape(seedShape), height, width);
        Assert.Equal([shape[0], seedShape[1], height, width], mask.shape);
        if (item.TryGetProperty("error", out _))
            return;      // torchvision's own code crashes on an even block size; reaching this line shows that ours does not
        var x = tensor(item.GetProperty("x").Numbers().Select(value => (float)value).ToArray()).reshape(shape);
        Assert.Equal(item.GetProperty("keep_mask").Numbers(), ReferenceFill.Values(mask));
        Assert.Equal(item.GetProperty("kept_share").GetDouble(), mask.mean().ToDouble(), 1e-6);
        foreach (var (want, have) in item.GetProperty("y").Numbers().Zip(ReferenceFill.Values(DropBlock.Apply(x, mask)), ValueTuple.Create))
            Assert.Equal(want, have, 1e-5);
    }

    [Fact]
    public void Gamma_matches_the_recorded_values()
    {
        foreach (var item in _vectors.RootElement.GetProperty("gamma").EnumerateArray())
            foreach (var (name, law) in Laws)
            {
                var method = new DropBlock { Law = law, BlockSize = item.GetProperty("block_size").GetInt32() };
                var (height, width) = (item.GetProperty("H").GetInt32(), item.GetProperty("W").GetInt32());
                var expected = item.GetProperty($"gamma_{name}").GetDouble();
                Assert.Equal(expected, method.Gamma(height, width, item.GetProperty("drop_prob").GetDouble()), 1e-9);
            }
    }

    [Fact]
    public void Linear_ramp_of_the_drop_probability_matches_the_recorded_one()
    {
        foreach (var item in _vectors.RootElement.GetProperty("linear_schedule").EnumerateArray())
        {
            Assert.Equal(0, item.GetProperty("start").GetDouble());
            var (stop, steps) = (item.GetProperty("stop").GetDouble(), item.GetProperty("nr_steps").GetInt32());
            var schedule = new StrengthSchedule((0, 0), (steps - 1, stop));
            foreach (var (step, expected) in item.GetProperty("drop_prob_after_step").Numbers().Index())
                Assert.Equal(expected, schedule.At(step), 1e-9);
        }
    }

    private static readonly (string Name, DropBlockLaw Law)[] Laws =
        [("timm", DropBlockLaw.Timm), ("miguelvr", DropBlockLaw.Miguelvr), ("torchvision", DropBlockLaw.TorchVision)];

    private static DropBlock Method(JsonElement item) => new()
    {
        Law = Laws.Single(law => law.Name == item.GetProperty("system").GetString()).Law,
        BlockSize = item.GetProperty("block_size").GetInt32(),
        SharedChannels = item.TryGetProperty("couple_channels", out var couple) && couple.GetBoolean(),
    };

    private static long[] Shape(JsonElement item, string name) =>
        [.. item.GetProperty(name).EnumerateArray().Select(side => side.GetInt64())];

    private static Tensor Seeds(JsonElement item)
    {
        var seeds = zeros(Shape(item, "seed_shape"));
        foreach (var place in item.GetProperty("seeds").EnumerateArray())
            seeds[[.. place.EnumerateArray().Select(index => TensorIndex.Single(index.GetInt64()))]] = 1;
        return seeds;
    }
}
