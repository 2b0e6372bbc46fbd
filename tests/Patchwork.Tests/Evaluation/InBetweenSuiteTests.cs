using Patchwork.Evaluation;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Evaluation;

[Collection(SerialCollection.Name)]
public sealed class InBetweenSuiteTests
{
    [Fact]
    public void Interpolation_reaches_both_images_and_either_class_counts_as_correct()
    {
        using var random = new RandomPixels();
        var (pixels, other) = (random.Pixels, rand(6, 3, 12, 16));
        Assert.True(InBetween.Blend(pixels, other, 1).allclose(pixels) && InBetween.Blend(pixels, other, 0).allclose(other));
        Assert.Equal(6 * 3 * 25, InBetween.Paste(pixels, other, 5).ne(pixels).sum().ToInt64());
        var logits = tensor(new float[] { 9, 0, 0, 0, 9, 0, 0, 0, 9 }).reshape(3, 3);
        var errors = InBetween.Errors(logits, tensor(new long[] { 0, 0, 1 }), tensor(new long[] { 1, 2, 2 }));
        Assert.Equal([false, true, false], errors.data<bool>().ToArray());
    }

    // At the ends a pair is a single image, and the class of the other one counts as correct too, so there are no more errors than on clean
    // images.
    [Fact]
    public void Both_curves_end_at_the_unmixed_images()
    {
        using var linear = new LinearSubject();
        var clean = new CleanSuite().Measure(linear.Subject).Metrics["top1_error"].Value;
        var between = new InBetweenSuite().Measure(linear.Subject);
        Assert.InRange(between.Tables["mixup"][^1][1], 0, clean);
        Assert.Equal(between.Tables["mixup"][^1][1], between.Tables["cutmix"][0][1], 1e-12);
        Assert.Equal(between.Tables["mixup"][0][1], between.Tables["cutmix"][^1][1], 1e-12);
    }
}
