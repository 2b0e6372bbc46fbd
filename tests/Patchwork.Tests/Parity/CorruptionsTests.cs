using System.Text.Json;
using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Parity;

/// <summary>
/// Compares corruptions with recorded outputs of make_cifar_c.py by replaying the recorded noise. The file of vectors is a subset of the
/// recording, made by <c>corruptions_subset.py</c>.
/// </summary>
public sealed class CorruptionsTests : IDisposable
{
    private const int Side = 32;

    private readonly JsonDocument vectors = Vectors.Open("corruptions.json");

    public void Dispose() => vectors.Dispose();

    private JsonElement Part(string name) => vectors.RootElement.GetProperty(name);

    // The recorded order is row, column, channel; the library uses channel, row, column.
    private static T[] Planar<T>(T[] values)
    {
        var area = values.Length / 3;
        return [.. Enumerable.Range(0, values.Length).Select(i => values[i % area * 3 + i / area])];
    }

    private byte[] Image(int image) => Planar(Part("images")[image].GetBytesFromBase64());

    [Theory]
    [InlineData("gaussian_noise"), InlineData("speckle_noise"), InlineData("shot_noise"), InlineData("impulse_noise")]
    [InlineData("gaussian_blur"), InlineData("defocus_blur"), InlineData("zoom_blur")]
    [InlineData("brightness"), InlineData("saturate"), InlineData("contrast"), InlineData("pixelate")]
    public void Corrupted_bytes_match_the_recorded_ones(string name)
    {
        var cases = Part("cases").EnumerateArray().Where(one => one.GetProperty("name").GetString() == name).ToArray();
        Assert.True(cases.Length >= Corruption.Severities);
        foreach (var one in cases)
        {
            var ours = Corrupt(name, one.GetProperty("image").GetInt32(), one.GetProperty("severity").GetInt32()).Truncated();
            var recorded = Planar(one.GetProperty("output").GetBytesFromBase64());
            // Values that are whole numbers up to rounding may be truncated to either side. The reference computes zoom blur in single
            // precision.
            var free = name is "contrast" or "pixelate" or "impulse_noise" ? 0 : one.GetProperty("values_near_integer").GetInt32()
                + (name == "zoom_blur" ? 1 : 0);
            var differences = ours.Zip(recorded, (a, b) => Math.Abs(a - b)).Where(difference => difference > 0).ToArray();
            Assert.All(differences, difference => Assert.Equal(1, difference));
            Assert.InRange(differences.Length, 0, free);
        }
    }

    [Fact]
    public void Values_before_truncation_match_the_recorded_ones()
    {
        foreach (var one in Part("float_outputs").EnumerateArray())
        {
            var name = one.GetProperty("name").GetString()!;
            var ours = Corrupt(name, one.GetProperty("image").GetInt32(), one.GetProperty("severity").GetInt32()).Levels();
            var recorded = one.GetProperty("values").Numbers();
            for (var i = 0; i < recorded.Length; i++)
                Assert.Equal(recorded[i], ours[i % 3 * Side * Side + i / 3],
                    (name == "zoom_blur" ? 1e-4 : 1e-6) * Math.Max(1, recorded[i]));
        }
    }

    [Fact]
    public void Defocus_kernels_match_the_recorded_ones()
    {
        foreach (var one in Part("defocus_kernels").EnumerateArray())
        {
            foreach (var (recorded, ours) in one.GetProperty("kernel").Numbers()
                .Zip(DefocusBlur.KernelOf(one.GetProperty("severity").GetInt32())))
                Assert.Equal(recorded, ours, 1e-7);
        }
    }

    // The comparison with Pillow's recorded output is exact, because SkiaSharp also contains libjpeg-turbo, with the same transform and the
    // same smooth upsampling of colours.
    [Fact]
    public void JPEG_round_trip_matches_the_recorded_one()
    {
        foreach (var one in Part("cases").EnumerateArray().Where(one => one.GetProperty("name").GetString() == "jpeg_compression"))
        {
            var ours = Corrupt("jpeg_compression", one.GetProperty("image").GetInt32(), one.GetProperty("severity").GetInt32()).Truncated();
            Assert.Equal(Planar(one.GetProperty("output").GetBytesFromBase64()), ours);
        }
    }

    private Result Corrupt(string name, int image, int severity)
    {
        var bytes = Image(image);
        var x = Planes.Of(bytes, Side, Side);
        switch (name)
        {
            case "gaussian_noise":
                GaussianNoise.Add(x, severity, Planar(Part("normal_noise")[image].Numbers()));
                return new Result(x);
            case "speckle_noise":
                SpeckleNoise.Multiply(x, severity, Planar(Part("normal_noise")[image].Numbers()));
                return new Result(x);
            case "shot_noise":
                ShotNoise.Count(x, severity, Planar(Part("poisson_counts").EnumerateArray()
                    .Single(one => one.GetProperty("image").GetInt32() == image && one.GetProperty("severity").GetInt32() == severity)
                        .GetProperty("counts").Numbers()));
                return new Result(x);
            case "impulse_noise":
                ImpulseNoise.Flip(x, severity, Uniforms("u_flip_times_10000_minus_half"), Uniforms("u_salt_times_10000_minus_half"));
                return new Result(x);
            default:
                Corruption.All.Single(kind => kind.Id == name).Corrupt(x, severity, new SeedStream(0).Open("nothing is drawn"));
                return new Result(x);
        }

        double[] Uniforms(string part) =>
            Planar(Part("impulse_uniforms")[image].GetProperty(part).Numbers().Select(n => (n + 0.5) / 10000).ToArray());
    }

    private sealed record Result(Planes Planes)
    {
        public byte[] Truncated()
        {
            var bytes = new byte[Planes.Values.Length];
            Planes.Truncate(bytes);
            return bytes;
        }

        public double[] Levels() => [.. Enumerable.Range(0, Planes.Values.Length).Select(Planes.Level)];
    }
}
