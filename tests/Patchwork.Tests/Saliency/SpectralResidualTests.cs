using System.Runtime.InteropServices;
using Patchwork.Randomness;
using Patchwork.Saliency;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Saliency;

[Collection(SerialCollection.Name)]
public sealed class SpectralResidualTests
{
    // The definition with NumPy's transforms and loops for the two filters.
    private const string Script = """
        import sys, numpy as np
        folder, n, c, h, w = sys.argv[1], *map(int, sys.argv[2:])
        x = np.fromfile(folder + '/x.bin', np.float32).reshape(n, c, h, w).astype(np.float64)
        grey = np.tensordot([0.299, 0.587, 0.114], x, (0, 1)) if c == 3 else x.mean(1)
        k = np.exp(-(np.arange(7) - 3.0) ** 2 / 18); k /= k.sum()
        maps = []
        for image in grey:
            f = np.fft.fft2(image); a = np.maximum(np.abs(f), 1e-12); log = np.log(a)
            framed = np.pad(log, 1, mode='edge')
            mean = sum(framed[i:i + h, j:j + w] for i in range(3) for j in range(3)) / 9
            back = np.abs(np.fft.ifft2(f / a * np.exp(log - mean)))
            framed = np.pad(back, 3, mode='edge')
            blurred = sum(k[i] * k[j] * framed[i:i + h, j:j + w] for i in range(7) for j in range(7))
            maps.append(blurred / blurred.sum())
        np.asarray(maps, np.float32).tofile(folder + '/maps.bin')
        """;

    [Theory, InlineData(3, 20, 33), InlineData(1, 32, 32), InlineData(3, 128, 40)]
    public void Maps_are_those_of_the_definition_in_NumPy(int channels, int height, int width)
    {
        Python.Need("numpy");
        using var scope = NewDisposeScope();
        var folder = Directory.CreateTempSubdirectory("patchwork-residual-");
        try
        {
            var images = rand(3, channels, height, width) - 0.3;
            File.WriteAllBytes(Path.Combine(folder.FullName, "x.bin"), images.bytes.ToArray());
            Python.Run(Script, folder.FullName, "3", $"{channels}", $"{height}", $"{width}");
            var expected = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(folder.FullName, "maps.bin"))).ToArray();
            var maps = SpectralResidual.Of(images);
            var scale = height * width;      // relative to the mean
            Assert.True((maps.reshape(-1) * scale).allclose(tensor(expected) * scale, 1e-3, 1e-3));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_small_object_on_a_noisy_ground_is_salient_and_maps_sum_to_one()
    {
        using var scope = NewDisposeScope();
        foreach (var side in (int[])[32, 200])      // the larger one is reduced first
        {
            new SeedStream(3).SeedTorch("noise");
            var image = randn(1, 1, side, side).expand(1, 3, side, side).clone() * 0.2;
            image.narrow(2, side / 2, side / 8).narrow(3, side / 4, side / 8).add_(1);
            var map = SpectralResidual.Of(image);
            Assert.Equal([1, side, side], map.shape);
            Assert.Equal(1, map.sum().ToDouble(), 1e-4);
            var inside = map.narrow(1, side / 2, side / 8).narrow(2, side / 4, side / 8);
            Assert.True(inside.mean().ToDouble() > 1.5 * map.mean().ToDouble(), $"{inside.mean().ToDouble() / map.mean().ToDouble()}");
        }
    }

    [Fact]
    public void The_map_of_a_constant_image_is_constant_and_bytes_are_read_like_numbers()
    {
        using var scope = NewDisposeScope();
        Assert.True(SpectralResidual.Of(full([2, 1, 8, 12], 0.7)).allclose(full([2, 8, 12], 1.0 / 96), 1e-4, 1e-7));
        var bytes = randint(0, 256, [2, 3, 16, 16], ScalarType.Byte);
        Assert.True(SpectralResidual.Of(bytes).equal(SpectralResidual.Of(bytes.to(ScalarType.Float32))).all().ToBoolean());
    }
}
