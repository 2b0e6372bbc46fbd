using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

/// <summary>Tests of CutMix labels that are weighted by the visible shares of the two objects.</summary>
[Collection(SerialCollection.Name)]
public sealed class ObjectLabelsTests
{
    private static readonly CutMix Objects = new() { LabelWeight = LabelWeight.Object, Partners = Partners.Derangement };

    [Fact]
    public void Label_weights_are_the_visible_shares_of_the_objects()
    {
        using var scope = NewDisposeScope();
        // Two objects of 4×4 pixels in images of 8×8: in the upper left and in the lower right corner.
        var masks = zeros(2, 8, 8, dtype: ScalarType.Int64);
        masks[0].narrow(0, 0, 4).narrow(1, 0, 4).fill_(3);
        masks[1].narrow(0, 4, 4).narrow(1, 4, 4).fill_(5);
        var batch = new Batch(rand(2, 3, 8, 8), tensor(new long[] { 0, 1 })) { Masks = masks };
        var seen = 0;
        for (var draw = 0; draw < 60; draw++)
        {
            var plan = Objects.Mix(batch, new SeedStream(1).Open("mix", 0, draw)).Plan!;
            foreach (var (i, image) in plan.Images.Index())
            {
                var box = ((BoxRegion)image.Region).Box;
                Box[] objects = [new Box(0, 0, 4, 4), new Box(4, 4, 8, 8)];
                double Inside(int one) => objects[one].Intersect(box).Area / 16.0;
                var (own, partner) = (1 - Inside(i), Inside(1 - i));
                if (box.IsEmpty || own + partner == 0)
                    continue;
                Assert.Equal(own / (own + partner), image.Lambda, 1e-12);
                seen += partner is > 0 and < 1 ? 1 : 0;
            }
        }
        Assert.True(seen > 10);
    }

    [Theory, InlineData(0, false), InlineData(0, true), InlineData(3, true)]
    public void Masks_follow_the_crop_and_the_mirroring_of_their_images(int padding, bool flip)
    {
        using var scope = NewDisposeScope();
        var shapes = new MaskedImages();
        using var loader = new BatchLoader(shapes, new SeedStream(2),
            new LoaderOptions { BatchSize = 8, Threads = 0, Augmentation = new CropFlip { Padding = padding, Flip = flip } });
        for (var epoch = 0; epoch < 3; epoch++)
        {
            foreach (var batch in loader.Epoch(epoch))
            {
                for (var row = 0; row < batch.Count; row++)
                {
                    // The images of this set are their own masks: 255 on the object, 0 elsewhere.
                    var shown = batch.Images[row, 0].gt(0.5).to(ScalarType.Byte).contiguous().data<byte>().ToArray();
                    Assert.Equal(shown, loader.ObjectMask(batch.Ids[row], epoch));
                }
            }
        }
    }

    [Fact]
    public void The_loader_and_mixing_afterwards_give_the_same_labels()
    {
        using var scope = NewDisposeScope();
        var options = new LoaderOptions { BatchSize = 8, Threads = 0, Augmentation = new CropFlip { Padding = 3 } };
        using var loader = new BatchLoader(new MaskedImages(), new SeedStream(2), options) { Planner = Objects };
        using var plain = new BatchLoader(new MaskedImages(), new SeedStream(2), options);
        var (mixed, batch) = (loader.Epoch(0).First(), plain.Epoch(0).First());
        var masks = stack([.. batch.Ids.Select(id => tensor(plain.ObjectMask(id, 0)!).reshape(12, 10))]);
        Assert.Equal(mixed.Plan!.ToJson(), Objects.Mix(batch with { Masks = masks }, new SeedStream(2).Open("mix", 0, 0)).Plan!.ToJson());
        Assert.Contains(mixed.Plan.Images, image => Math.Abs(image.Lambda - ((BoxRegion)image.Region).KeptShare(12, 10)) > 0.05);
    }

    [Fact]
    public void Missing_object_masks_are_reported()
    {
        using var images = rand(4, 3, 8, 8);
        Assert.Contains("object masks",
            Assert.Throws<InputException>(() => Objects.Plan(MixContext.Of(images, new SeedStream(3).Open("mix")))).Message);
    }

    private sealed class MaskedImages : Dataset
    {
        private readonly byte[][] masks =
            [.. Enumerable.Range(0, 16).Select(id => Enumerable.Range(0, 120)
            .Select(pixel => (byte)((pixel * 7 + id * id) % 11 < 4 ? 255 : 0)).ToArray())];

        public override int Count => 16;

        public override int Channels => 1;

        public override int Height => 12;

        public override int Width => 10;

        public override IReadOnlyList<string> ClassNames { get; } = ["a", "b"];

        public override Normalization Normalization { get; } = new([0], [1]);

        public override bool InMemory => true;

        public override int Label(int index) => index % 2;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => masks[index];

        public override ReadOnlySpan<byte> ObjectMask(int index) => masks[index].Select(value => (byte)(value / 255)).ToArray();
    }
}
