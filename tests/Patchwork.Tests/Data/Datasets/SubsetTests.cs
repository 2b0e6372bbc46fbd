using Patchwork.Data;
using Xunit;

namespace Patchwork.Tests.Data;

public sealed class SubsetTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void An_example_keeps_its_pixels_label_box_and_mask(bool inMemory)
    {
        var whole = new KnownDataset([5, 4, 3, 2, 1, 0], inMemory);
        int[] indices = [4, 1, 1, 0];
        var subset = new Subset(whole, indices);
        Assert.Equal(4, subset.Count);
        for (var i = 0; i < indices.Length; i++)
        {
            Assert.Equal(5 - indices[i], subset.Label(i));
            Assert.Equal(indices[i], subset.Read(i, new byte[1])[0]);
            Assert.Equal(indices[i], subset.ObjectMask(i)[0]);
            Assert.Equal(whole.ObjectBox(indices[i]), subset.ObjectBox(i));
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_subset_takes_sizes_class_names_and_normalization_from_the_whole_set(bool inMemory)
    {
        var whole = new KnownDataset([0, 1, 2], inMemory);
        var subset = new Subset(new Subset(whole, [2, 1]), [1]);
        Assert.Equal((1, 1, 1, 1), (subset.Channels, subset.Height, subset.Width, subset.ImageBytes));
        Assert.Equal(inMemory, subset.InMemory);
        Assert.Same(whole.ClassNames, subset.ClassNames);
        Assert.Same(whole.Normalization, subset.Normalization);
        Assert.Same(whole, Assert.IsType<Subset>(subset.Whole).Whole);
        Assert.Equal(1, subset.Label(0));
    }
}
