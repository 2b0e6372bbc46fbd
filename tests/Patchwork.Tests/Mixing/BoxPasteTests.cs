using CsCheck;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

public sealed class BoxPasteTests
{
    private static readonly Gen<(int N, int C, int H, int W, int Layout, int Type, ulong Seed)> Cases =
        Gen.Select(Gen.Int[1, 9], Gen.Int[1, 4], Gen.Int[1, 13], Gen.Int[1, 13], Gen.Int[0, 3], Gen.Int[0, 6], Gen.ULong);

    // Partners need not be a permutation. Boxes differ from image to image, and some are empty or the whole image.
    [Fact]
    public void The_memory_path_and_the_tensor_path_match_the_definition_bit_for_bit() => Cases.Sample(one =>
    {
        using var scope = NewDisposeScope();
        var draws = new SeedStream(one.Seed).Open("case");
        var plan = AnyPlan(one.N, one.H, one.W, draws);
        var images = Layout(one.Layout, one.N, one.C, one.H, one.W, Type(one.Type));
        var expected = Definition(images, plan);
        var (memory, tensors) = (Same(images, one.Layout), Same(images, one.Layout));
        BoxPaste.InPlace(memory, plan);
        if (plan.ChangesPixels)
            BoxPaste.WithTensors(tensors, plan);
        Assert.False(memory.ne(expected).any().ToBoolean());
        Assert.False(tensors.ne(expected).any().ToBoolean());
    }, iter: 700, threads: 1);

    [Fact]
    public void A_large_batch_pasted_by_several_threads_matches_the_definition()
    {
        using var scope = NewDisposeScope();
        var images = arange(32 * 3 * 96 * 80, dtype: ScalarType.Float32).reshape(32, 3, 96, 80);
        var plan = new CutMix { Alpha = 8 }.Plan(MixContext.Of(images, new SeedStream(3).Open("mix")));
        var expected = Definition(images, plan);
        BoxPaste.InPlace(images, plan);
        Assert.False(images.ne(expected).any().ToBoolean());
    }

    [Fact]
    public void Pasting_into_a_slice_leaves_the_pixels_outside_unchanged()
    {
        using var scope = NewDisposeScope();
        var whole = zeros(4, 3, 10, 12);
        var part = whole.narrow(2, 2, 6).narrow(3, 3, 7);
        part.copy_(arange(4).reshape(4, 1, 1, 1).expand(4, 3, 6, 7).to(ScalarType.Float32) + 1);
        var box = new BoxRegion(Box.Whole(6, 7));
        BoxPaste.InPlace(part, new MixPlan("cutmix", 6, 7, [.. Enumerable.Range(0, 4).Select(i => new ImagePlan((i + 1) % 4, box, 0, 0))],
            default));
        Assert.Equal(6 * 7 * 3 * (1 + 2 + 3 + 4), whole.sum().ToDouble());
        Assert.Equal(2, whole[0, 0, 2, 3].ToDouble());
    }

    [Fact]
    public void Images_that_require_a_gradient_and_wrong_sizes_are_refused()
    {
        using var scope = NewDisposeScope();
        var images = rand(2, 3, 4, 5);
        var plan = new CutMix().Plan(MixContext.Of(images, new SeedStream(1).Open("mix")));
        Assert.Contains("gradient", Assert.Throws<ArgumentException>(() =>
            BoxPaste.InPlace(rand(2, 3, 4, 5, requires_grad: true), plan)).Message);
        Assert.Contains("(2, 3, 5, 4)", Assert.Throws<ArgumentException>(() => BoxPaste.InPlace(rand(2, 3, 5, 4), plan)).Message);
    }

    private static MixPlan AnyPlan(int n, int height, int width, Draws draws) =>
        new("any", height, width, [.. Enumerable.Range(0, n).Select(i =>
    {
        var (top, left) = (draws.Integer(height + 1), draws.Integer(width + 1));
        var box = draws.Integer(5) == 0 ? Box.Whole(height, width)
            : new Box(top, left, top + draws.Integer(height - top + 1), left + draws.Integer(width - left + 1));
        var region = new BoxRegion(box);
        return new ImagePlan(draws.Integer(n), region, 0.5, region.KeptShare(height, width));
    })], default);

    private static ScalarType Type(int type) =>
        new[] { ScalarType.Float32, ScalarType.Byte, ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64,
            ScalarType.Int32 }[type];

    private static Tensor Layout(int layout, int n, int c, int h, int w, ScalarType type)
    {
        var values = arange((long)n * c * h * w).remainder(251).reshape(n, c, h, w).to(type);
        return Same(values, layout);
    }

    // Copies images into one of four layouts: contiguous, channels-last, a slice of larger images, every second image.
    private static Tensor Same(Tensor images, int layout)
    {
        if (layout == 0)
            return images.clone().contiguous();
        if (layout == 1)
            return images.permute(0, 2, 3, 1).contiguous().clone().permute(0, 3, 1, 2);
        var (n, c, h, w) = (images.size(0), images.size(1), images.size(2), images.size(3));
        var view = layout == 2
            ? zeros([n, c, h + 3, w + 2], dtype: images.dtype).narrow(2, 1, h).narrow(3, 2, w)
            : zeros([2 * n, c, h, w], dtype: images.dtype)[TensorIndex.Slice(0, 2 * n, 2)];
        view.copy_(images);
        return view;
    }

    private static Tensor Definition(Tensor images, MixPlan plan)
    {
        var result = images.clone();
        for (var i = 0; i < plan.Images.Count; i++)
        {
            var box = ((BoxRegion)plan.Images[i].Region).Box;
            if (!box.IsEmpty)
                result[i].narrow(1, box.Top, box.Height).narrow(2, box.Left, box.Width)
                    .copy_(images[plan.Images[i].Partner].narrow(1, box.Top, box.Height).narrow(2, box.Left, box.Width));
        }
        return result;
    }
}
