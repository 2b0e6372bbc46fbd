using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Inference;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Inference;

[Collection(SerialCollection.Name)]
public sealed class ExplanationTests
{
    private static readonly Normalization Normalization = new([0.25f], [0.5f]);
    private static readonly string[] Classes = ["bright", "dark"];
    private static readonly Box Square = new(6, 10, 20, 26);

    // A black image with a white square, normalized as the input of a network.
    private static Tensor Image()
    {
        var pixels = new float[32 * 40];
        for (var y = Square.Top; y < Square.Bottom; y++)
            pixels.AsSpan(y * 40 + Square.Left, Square.Width).Fill(1);
        using var scope = NewDisposeScope();
        return ((tensor(pixels, [1, 1, 32, 40]) - 0.25) / 0.5).MoveToOuterDisposeScope();
    }

    [Theory, InlineData(null), InlineData("conv")]
    public void The_box_encloses_the_pixels_that_support_the_class(string? layer)
    {
        using var scope = NewDisposeScope();
        var explanation = Explanation.Of(new Brightness(), Image(), Normalization, Classes, label: 0, layer);
        var (seen, picture) = (explanation.Activation, explanation.Picture);
        Assert.Equal(("bright", layer), (seen.Class, seen.Layer));
        for (var y = 0; y < 32; y++)
        {
            for (var x = 0; x < 40; x++)
            {
                Assert.Equal(Square.Contains(y, x) ? 1 : 0, seen.Map.Values[y * 40 + x], 1e-6);
                Assert.Equal(Square.Contains(y, x) ? 255 : 0, picture.Rgb[(y * 40 + x) * 3]);
            }
        }
        // The far ends of a contour are one past its last pixel and count as inside.
        Assert.Equal(new Box(6, 10, 21, 27), seen.Box);
    }

    [Fact]
    public void The_predicted_class_is_explained_unless_a_label_is_given()
    {
        using var scope = NewDisposeScope();
        using var network = new Brightness();
        using var image = Image();
        var (seen, other) = (Explanation.Of(network, image, Normalization, Classes).Activation,
            Explanation.Of(network, image, Normalization, Classes, label: 0).Activation);
        Assert.Equal("dark", seen.Class);      // most of the image is dark
        Assert.True(seen.Probability > 0.5);
        Assert.Equal(1, seen.Probability + other.Probability, 1e-9);
        Assert.All(seen.Map.Values.Zip(other.Map.Values), pair => Assert.Equal(1, pair.First + pair.Second, 1e-6));
        Assert.Equal(Box.Whole(32, 40), seen.Box);      // the dark pixels all around the square
    }

    [Fact]
    public void A_flat_map_has_no_box()
    {
        using var scope = NewDisposeScope();
        var explanation = Explanation.Of(new Brightness(), zeros(1, 1, 8, 8), Normalization, Classes);
        Assert.True(explanation.Activation.Box.IsEmpty);
        Assert.NotEmpty(explanation.Sheet("flat.png").Png());
    }

    [Fact]
    public void An_inclusive_box_converts_to_a_half_open_box_with_the_same_pixels()
    {
        var box = new InclusiveBox(Left: 2, Top: 1, Right: 4, Bottom: 1);
        Assert.Equal(new Box(1, 2, 2, 5), box.ToBox());
        Assert.Equal(3, box.ToBox().Area);
    }

    [Fact]
    public void A_layer_without_a_map_and_a_network_without_pooled_features_are_refused()
    {
        using var scope = NewDisposeScope();
        string Refusal(nn.Module<Tensor, Tensor> network, string? layer) =>
            Assert.Throws<InputException>(() => Explanation.Of(network, Image(), Normalization, Classes, 0, layer)).Message;
        Assert.Contains("Did you mean 'conv'?", Refusal(new Brightness(), "con"), StringComparison.Ordinal);
        Assert.EndsWith("Name another layer.", Refusal(new Brightness(), "fc"), StringComparison.Ordinal);
        Assert.EndsWith("Name a layer, for its Grad-CAM.", Refusal(nn.Sequential(nn.Flatten(), nn.Linear(32 * 40, 2)), null),
            StringComparison.Ordinal);
    }

    [Fact]
    public void No_tensor_leaks()
    {
        using var network = new Brightness();
        using var image = Image();
        foreach (var layer in (string?[])[null, "conv"])
        {
            Explanation.Of(network, image, Normalization, Classes, 0, layer);
            var before = Tensor.TotalCount;
            Explanation.Of(network, image, Normalization, Classes, 0, layer);
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    /// <summary>A network with two features, the brightness and the darkness of a pixel, and one class for each.</summary>
    private sealed class Brightness : nn.Module<Tensor, Tensor>
    {
        private readonly Conv2d conv = nn.Conv2d(1, 2, 1);
        private readonly Linear fc = nn.Linear(2, 2);

        public Brightness() : base(nameof(Brightness))
        {
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            RegisterComponents();
            conv.weight!.copy_(tensor(new float[] { 0.5f, -0.5f }).reshape(2, 1, 1, 1));
            conv.bias!.copy_(tensor(new float[] { 0.25f, 0.75f }));
            fc.weight!.copy_(eye(2));
            fc.bias!.zero_();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return fc.call(nn.functional.relu(conv.call(x)).mean([2, 3])).MoveToOuterDisposeScope();
        }
    }
}
