using CsCheck;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Plans;

/// <summary>Objects and dense labels follow the pixels.</summary>
public sealed class LabeledObjectTests
{
    private static MixPlan Plan(Box region, int height = 10, int width = 12) =>
        new("cutmix", height, width, [new ImagePlan(1, new BoxRegion(region), 0.5, 0.5),
            new ImagePlan(0, new BoxRegion(region), 0.5, 0.5)], default);

    private static IReadOnlyList<LabeledObject> First(Box region, LabeledObject[] own, LabeledObject[] partners, double minVisible = 0) =>
        LabeledObject.Mix([own, partners], Plan(region), minVisible)[0];

    [Fact]
    public void Box_of_an_object_shrinks_to_the_bounds_of_its_visible_part()
    {
        LabeledObject[] own = [new(3, new Box(2, 2, 8, 8))];
        Assert.Equal([new LabeledObject(3, new Box(2, 2, 5, 8))], First(new Box(5, 0, 10, 12), own, []));
        Assert.Equal([new LabeledObject(3, new Box(2, 6, 8, 8))], First(new Box(0, 0, 10, 6), own, []));
        Assert.Equal(own, First(new Box(5, 5, 10, 12), own, []));
        Assert.Equal(own, First(new Box(4, 0, 6, 12), own, []));      // cut in two: both ends still show
        Assert.Empty(First(new Box(1, 1, 9, 9), own, []));
    }

    [Fact]
    public void A_partners_box_is_clipped_to_the_region()
    {
        LabeledObject[] partners = [new(7, new Box(0, 0, 6, 6)), new(8, new Box(8, 8, 10, 12))];
        Assert.Equal([new LabeledObject(7, new Box(3, 4, 6, 6))], First(new Box(3, 4, 8, 8), [], partners));
    }

    [Fact]
    public void Objects_below_the_minimum_visible_share_are_dropped()
    {
        LabeledObject[] own = [new(3, new Box(0, 0, 10, 10))];
        Assert.Single(First(new Box(0, 0, 10, 9), own, [], minVisible: 0.1));
        Assert.Empty(First(new Box(0, 0, 10, 9), own, [], minVisible: 0.11));
    }

    // The expected result, pixel by pixel: paint each object's id, mix the painted images, and look where the ids are.
    [Fact]
    public void Boxes_and_masks_match_the_mixed_pixels() => Gen.Select(Gen.ULong, Gen.Bool).Sample((seed, masked) =>
    {
        using var scope = NewDisposeScope();
        var draws = new SeedStream(seed).Open("case");
        Box Any() => BoxOf(draws.Integer(10), draws.Integer(10), draws.Integer(12), draws.Integer(12));
        var (region, boxes) = (Any(), new[] { Any(), Any() });
        var images = zeros(2, 1, 10, 12);
        for (var i = 0; i < 2; i++)
            images[i].narrow(1, boxes[i].Top, boxes[i].Height).narrow(2, boxes[i].Left, boxes[i].Width).fill_(i + 1);
        var batch = new Batch(images, tensor(new long[] { 0, 1 }))
        {
            Masks = images.squeeze(1).to(ScalarType.Int64),
            Objects =
                [.. Enumerable.Range(0, 2)
                .Select(i => new[] { new LabeledObject(i, boxes[i]) { Mask = masked ? Bytes(images[i].eq(i + 1)) : null } })],
        };
        var mixed = new CutMix { MinVisible = 0 }.Mix(batch, Plan(region));
        Assert.False(mixed.Masks!.ne(mixed.Images.squeeze(1).to(ScalarType.Int64)).any().ToBoolean());
        for (var i = 0; i < 2; i++)
        {
            for (var id = 0; id < 2; id++)
            {
                var shown = mixed.Images[i].eq(id + 1);
                var listed = mixed.Objects![i].Where(one => one.Label == id).ToArray();
                if (!shown.any().ToBoolean())
                    Assert.Empty(listed);
                else
                    Assert.Equal(Around(Bytes(shown)), Assert.Single(listed).Box);
                if (masked && listed.Length == 1)
                    Assert.Equal(Bytes(shown), listed[0].Mask!);
            }
        }
    }, iter: 300, threads: 1);

    [Fact]
    public void Mask_of_a_plan_marks_the_pixels_that_stay()
    {
        using var scope = NewDisposeScope();
        var images = stack([zeros(1, 10, 12), ones(1, 10, 12)]);
        var plan = Plan(new Box(2, 3, 7, 11));
        Assert.True(new CutMix().Apply(images, plan)[0].eq(1 - plan.Masks()[0]).all().ToBoolean());
    }

    private static Box BoxOf(int row, int otherRow, int column, int otherColumn) =>
        new(Math.Min(row, otherRow), Math.Min(column, otherColumn), Math.Max(row, otherRow) + 1, Math.Max(column, otherColumn) + 1);

    private static byte[] Bytes(Tensor truth) => truth.to(ScalarType.Byte).contiguous().data<byte>().ToArray();

    private static Box Around(byte[] mask)
    {
        var at = Enumerable.Range(0, mask.Length).Where(i => mask[i] != 0).ToArray();
        return new Box(at.Min(i => i / 12), at.Min(i => i % 12), at.Max(i => i / 12) + 1, at.Max(i => i % 12) + 1);
    }
}
