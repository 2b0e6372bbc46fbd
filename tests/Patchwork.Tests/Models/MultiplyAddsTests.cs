using Patchwork.Models;
using Xunit;

namespace Patchwork.Tests.Models;

public sealed class MultiplyAddsTests
{
    // torchvision's own tables: 1.81 and 4.09 billion for images of 224×224. ResNet-20 for CIFAR: 41 million, with projections.
    [Theory]
    [InlineData("resnet18", 1000, 224, 1.81e9)]
    [InlineData("resnet50", 1000, 224, 4.09e9)]
    [InlineData("resnet20", 10, 32, 0.041e9)]
    public void Multiply_adds_match_the_published_tables(string id, int classes, int side, double published)
    {
        using var model = ModelZoo.Create(id, classes, imageSize: side);
        model.train();
        Assert.InRange(MultiplyAdds.Of(model, 3, side, side), 0.99 * published, 1.01 * published);
        Assert.All(model.modules(), module => Assert.True(module.training));
    }
}
