using Patchwork.Data;
using Patchwork.Imaging;
using Patchwork.Plans;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class DatasetViewTests
{
    private static readonly Window Corner = new(3, 5, 20, 24);
    private readonly Dataset shapes = DatasetCatalogue.Open("shapes", new DataOptions()).Train;

    /// <summary>A view that changes nothing.</summary>
    private sealed class Same(Dataset whole) : DatasetView(whole);

    /// <summary>A view whose images are the negatives of the wrapped set's images.</summary>
    private sealed class Negatives(Dataset whole) : DatasetView(whole, samePixels: false)
    {
        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
        {
            var pixels = Whole.Read(index, scratch);
            for (var i = 0; i < ImageBytes; i++)
                scratch[i] = (byte)(255 - pixels[i]);
            return scratch[..ImageBytes];
        }
    }

    /// <summary>
    /// A grey set whose stored pictures are larger than its images: every window is filled with the number of rows of the stored picture.
    /// </summary>
    private sealed class LargePictures : Dataset
    {
        public override int Count => 2;

        public override int Channels => 1;

        public override int Height => 8;

        public override int Width => 8;

        public override IReadOnlyList<string> ClassNames => ["a", "b"];

        public override Normalization Normalization { get; } = new([0], [1]);

        public override int Label(int index) => index;

        public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch) => new byte[64];

        public override void ReadWindow(int index, Func<int, int, Window> choose, Span<byte> output)
        {
            const byte rows = 51;
            var window = choose(rows, rows);
            Assert.InRange(window.Top + window.Height, 0, rows + 1e-9);
            output.Fill(rows);
        }
    }

    private static byte[] Image(Dataset set, int index) => set.Read(index, new byte[set.ImageBytes]).ToArray();

    private static byte[] Part(Dataset set, int index)
    {
        var output = new byte[set.ImageBytes];
        set.ReadWindow(index, (_, _) => Corner, output);
        return output;
    }

    [Fact]
    public void A_view_without_changes_forwards_every_member_to_the_wrapped_set()
    {
        var view = new Same(shapes);
        Assert.Same(shapes, view.Whole);
        Assert.Equal((shapes.Count, shapes.Channels, shapes.Height, shapes.Width), (view.Count, view.Channels, view.Height, view.Width));
        Assert.Equal((shapes.InMemory, shapes.ImageBytes), (view.InMemory, view.ImageBytes));
        Assert.Same(shapes.ClassNames, view.ClassNames);
        Assert.Same(shapes.Normalization, view.Normalization);
        Assert.Equal((shapes.Label(7), shapes.ObjectBox(7)), (view.Label(7), view.ObjectBox(7)));
        Assert.Equal(shapes.ObjectMask(7), view.ObjectMask(7));
        Assert.Equal(Image(shapes, 7), Image(view, 7));
        Assert.Equal(Part(shapes, 7), Part(view, 7));
        Assert.False(new Same(new KnownDataset([0, 1], inMemory: false)).InMemory);
    }

    [Fact]
    public void A_view_with_its_own_pixels_crops_windows_from_them_and_has_no_objects()
    {
        var view = new Negatives(shapes);
        Assert.False(view.InMemory);
        Assert.Null(view.ObjectBox(7));
        Assert.True(view.ObjectMask(7).IsEmpty);
        Assert.Equal(shapes.Label(7), view.Label(7));
        // Each is rounded once, so an image and its negative add up to 255 within one level.
        Assert.All(Part(shapes, 7).Zip(Part(view, 7)), pair => Assert.InRange(pair.First + pair.Second, 254, 256));
    }

    [Fact]
    public void A_subset_forwards_every_member_to_the_selected_example()
    {
        var subset = new Subset(shapes, [11, 4]);
        Assert.Equal((shapes.Label(4), shapes.ObjectBox(4)), (subset.Label(1), subset.ObjectBox(1)));
        Assert.Equal(shapes.ObjectMask(4), subset.ObjectMask(1));
        Assert.Equal(Image(shapes, 4), Image(subset, 1));
        Assert.Equal(Part(shapes, 4), Part(subset, 1));
    }

    [Fact]
    public void A_loader_takes_resized_crops_from_the_full_picture_of_a_custom_dataset()
    {
        var options = LoaderOptions.Evaluation(2) with { ResizedCrop = new RandomResizedCrop() };
        using var loader = new BatchLoader(new Subset(new LargePictures(), [1, 0]), new SeedStream(1), options);
        foreach (var batch in loader.Epoch(0))
            Assert.All(batch.Images.data<float>().ToArray(), value => Assert.Equal(51f / 255, value, 1e-6f));
    }
}
