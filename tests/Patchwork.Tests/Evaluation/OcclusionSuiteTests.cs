using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class OcclusionSuiteTests
{
    [Fact]
    public void Occlusion_covers_exactly_the_centre_or_everything_else()
    {
        using var random = new RandomPixels();
        foreach (var kind in Occlusion.All)
        {
            foreach (var size in Occlusion.Sizes(12, 16))
            {
                var covered = kind.Of(random.Pixels, size, random.Model.Normalization);
                var colour = kind.Fill == OcclusionFill.Black ? zeros(3) : tensor(random.Model.Normalization.Mean.ToArray());
                var changed = covered.ne(random.Pixels).any(1);      // (N, H, W)
                var square = zeros(12, 16, ScalarType.Bool);
                var (top, left) = ((12 - size) / 2, (16 - size) / 2);
                square[TensorIndex.Slice(top, top + size), TensorIndex.Slice(left, left + size)] = tensor(true);
                var expected = kind.Place == OcclusionPlace.Centre ? square : square.logical_not();
                Assert.True(changed.eq(expected).all().ToBoolean(), $"{kind.Id} {size}");
                Assert.True(covered.where(expected, colour.reshape(1, 3, 1, 1)).eq(colour.reshape(1, 3, 1, 1)).all().ToBoolean());
            }
        }
        Assert.Equal(Enumerable.Range(0, 17).Select(i => 2 * i), Occlusion.Sizes(32, 32));
    }

    [Fact]
    public void The_curve_equals_the_clean_error_where_nothing_is_covered()
    {
        using var linear = new LinearSubject();
        var clean = new CleanSuite().Measure(linear.Subject).Metrics["top1_error"].Value;
        var occlusion = new OcclusionSuite().Measure(linear.Subject);
        foreach (var kind in Occlusion.All)
            Assert.Equal(clean, occlusion.Tables[kind.Id][kind.Place == OcclusionPlace.Centre ? 0 : ^1][1], 1e-12);
    }

    [Fact]
    public void An_evaluation_can_be_cancelled_between_batches()
    {
        using var linear = new LinearSubject();
        using var source = new CancellationTokenSource();
        var subject = linear.Subject with { Cancellation = source.Token, Progress = _ => source.Cancel() };
        Assert.Throws<OperationCanceledException>(() => new OcclusionSuite().Measure(subject));
    }
}
