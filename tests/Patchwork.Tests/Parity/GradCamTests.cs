using System.Text.Json;
using Patchwork.Models;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Parity;

/// <summary>Compares Grad-CAM and CAM with values recorded from pytorch-grad-cam on networks with filled weights.</summary>
[Collection(SerialCollection.Name)]
public sealed class GradCamTests
{
    [Theory, InlineData(0), InlineData(1), InlineData(2), InlineData(3), InlineData(4)]
    public void Maps_match_the_recorded_ones(int index)
    {
        using var scope = NewDisposeScope();
        using var vectors = Vectors.Open("gradcam.json");
        var item = vectors.RootElement.GetProperty("cases")[index];
        using var model = Filled(item);
        var (layer, shape) = (item.GetProperty("layer").GetString()!, item.GetProperty("input_shape").Numbers().Select(side => (long)side)
            .ToArray());
        var images = ReferenceFill.Input(1, shape).to(ScalarType.Float32);
        var classes = tensor(item.GetProperty("classes").Numbers().Select(k => (long)k).ToArray());
        var raw = GradCam.AtFeatures(model, images, classes, layer);
        Near(item.GetProperty("grad_cam_raw"), raw, 1e-5);
        Near(item.GetProperty("grad_cam_relu_scaled_feature_size"), GradCam.Scaled(nn.functional.relu(raw)), 5e-5);
        var map = GradCam.Of(model, images, classes, layer);
        if (item.TryGetProperty("grad_cam_public_output_input_size", out var whole))
            Near(whole, map, 5e-5);
        else
        {
            Near(item.GetProperty("grad_cam_public_output_subsampled_every_8"),
                map[TensorIndex.Colon, TensorIndex.Slice(step: 8), TensorIndex.Slice(step: 8)], 5e-5);
            Assert.Equal(item.GetProperty("grad_cam_public_output_sum").GetDouble(), map.sum().ToDouble(), 5e-5 * shape[2] * shape[3]);
        }
        if (!item.TryGetProperty("cam_sum_over_channels", out var cam))
            return;
        // A CAM map includes the bias at every position. Without the bias it equals the recorded map, and divided by the number of
        // positions it equals Grad-CAM.
        var bias = model.named_parameters()
            .Last(parameter =>
            parameter.name.EndsWith("bias", StringComparison.Ordinal)).parameter.index_select(0, classes).reshape(-1, 1, 1);
        var activation = ClassActivation.AtFeatures(model, images, classes) - bias;
        Near(cam, activation, 1e-4);
        Assert.True((activation / item.GetProperty("grad_cam_equals_cam_divided_by").GetInt32()).allclose(raw, 1e-4, 1e-5));
    }

    [Fact]
    public void Grad_CAM_leaves_the_network_unchanged_and_rejects_unsuitable_layers()
    {
        using var scope = NewDisposeScope();
        using var model = ModelZoo.Create("resnet8", 3);
        model.train();
        var (images, classes) = (rand(2, 3, 32, 32), zeros(2, ScalarType.Int64));
        var before = model.named_buffers().Select(buffer => buffer.buffer.clone()).ToArray();
        GradCam.Of(model, images, classes, "layer2").Dispose();
        var count = LiveTensors.Settled();
        GradCam.Of(model, images, classes, "layer2").Dispose();
        Assert.Equal(count, Tensor.TotalCount);
        Assert.True(model.training);
        Assert.All(model.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.All(before.Zip(model.named_buffers()), pair => Assert.True(pair.First.allclose(pair.Second.buffer)));
        Assert.Contains("Did you mean 'layer2'?", Assert.Throws<InputException>(() => GradCam.Of(model, images, classes, "layr2")).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => GradCam.Of(model, images, classes, "fc"));
    }

    private static ImageClassifier Filled(JsonElement item)
    {
        var key = item.GetProperty("model").GetString()!;
        var model = key == "clovaai_resnet20_basic" ? ModelZoo.Create("resnet20", 10) : ModelZoo.Create("resnet18", 1000, imageSize: 224);
        using var models = Vectors.Open("models.json");
        using var noGradient = no_grad();
        var state = model.state_dict();
        foreach (var entry in models.RootElement.GetProperty("state_dicts").EnumerateArray()
            .Single(one => one.GetProperty("key").GetString() == key).GetProperty("entries_k_name_kind_shape_first_sum").EnumerateArray())
            ReferenceFill.Fill(state[entry[1].GetString()!], entry[2].GetString()!, item.GetProperty("gain").GetDouble(), 1, entry[0]
                .GetUInt64());
        return model;
    }

    private static void Near(JsonElement expected, Tensor actual, double tolerance)
    {
        using var scope = NewDisposeScope();
        var values = actual.detach().to(ScalarType.Float64).contiguous().data<double>().ToArray();
        var recorded = expected.Numbers();
        Assert.Equal(recorded.Length, values.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(recorded[i], values[i], tolerance * Math.Max(1, Math.Abs(recorded[i])));
    }
}
