using Patchwork.Evaluation;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Evaluation;

/// <summary>
/// Laws of all corruptions. Comparisons with recorded outputs of the published code are in <see cref="Parity.CorruptionsTests"/>.
/// </summary>
public sealed class CorruptionTests
{
    public static TheoryData<string> Ids => [.. Corruption.All.Select(kind => kind.Id)];

    private static Corruption Find(string id) => Corruption.All.Single(kind => kind.Id == id);

    // Smooth colours with an edge, so that blurs, pixelation and JPEG compression have something to change.
    private static byte[] Image(int height, int width) => [.. Enumerable.Range(0, 3 * height * width).Select(i =>
    {
        var (channel, y, x) = (i / (height * width), i / width % height, i % width);
        return (byte)(40 + 60 * channel + 30 * Math.Sin(y / 3.0 + channel) + 25 * Math.Cos(x / 2.0) + (x > width / 2 ? 35 : 0));
    })];

    private static byte[] Apply(Corruption kind, byte[] image, int height, int width, int severity, ulong seed = 1)
    {
        var output = new byte[image.Length];
        kind.Apply(image, height, width, severity, new SeedStream(seed).Open("test"), output);
        return output;
    }

    private static double Change(byte[] a, byte[] b) => a.Zip(b, (one, other) => Math.Abs(one - other)).Average();

    [Fact]
    public void The_catalogue_matches_the_published_corruptions()
    {
        Assert.Equal(["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow",
            "frost", "fog", "brightness", "contrast",
            "elastic_transform", "pixelate", "jpeg_compression"], Corruption.All.Where(kind => kind.Main).Select(kind => kind.Id));
        Assert.Equal(["speckle_noise", "gaussian_blur", "spatter", "saturate"], Corruption.All.Where(kind => !kind.Main)
            .Select(kind => kind.Id));
    }

    [Theory, MemberData(nameof(Ids))]
    public void The_same_draws_give_the_same_image_and_leave_the_input_unchanged(string id)
    {
        var image = Image(32, 32);
        var copy = (byte[])image.Clone();
        for (var severity = 1; severity <= Corruption.Severities; severity++)
        {
            var once = Apply(Find(id), image, 32, 32, severity);
            Assert.Equal(copy, image);
            Assert.Equal(once, Apply(Find(id), image, 32, 32, severity));
            Apply(Find(id), copy, 32, 32, severity).CopyTo(copy, 0);
            Assert.Equal(once, copy);
            image.CopyTo(copy, 0);
        }
    }

    [Theory]
    [InlineData("gaussian_noise"), InlineData("shot_noise"), InlineData("impulse_noise"), InlineData("glass_blur"),
        InlineData("motion_blur"), InlineData("snow"), InlineData("frost")]
    [InlineData("fog"), InlineData("elastic_transform"), InlineData("speckle_noise"), InlineData("spatter")]
    public void Different_draws_give_a_different_image(string id) =>
        Assert.NotEqual(Apply(Find(id), Image(32, 32), 32, 32, 3, seed: 1), Apply(Find(id), Image(32, 32), 32, 32, 3, seed: 2));

    // Saturate first weakens the colours and then strengthens them, and the elastic transform first moves the whole image, so the change of
    // neither grows with severity by construction.
    [Theory, MemberData(nameof(Ids))]
    public void The_highest_severity_changes_more_than_the_lowest(string id)
    {
        if (id is "saturate" or "elastic_transform")
            return;
        var image = Image(32, 32);
        var (lowest, highest) = (0.0, 0.0);
        for (var seed = 1UL; seed <= 20; seed++)
        {
            lowest += Change(image, Apply(Find(id), image, 32, 32, 1, seed));
            highest += Change(image, Apply(Find(id), image, 32, 32, 5, seed));
        }
        Assert.True(highest > lowest && lowest >= 0, $"{lowest} at severity 1, {highest} at severity 5");
    }

    [Theory, MemberData(nameof(Ids))]
    public void Images_of_other_sizes_are_corrupted_too(string id)
    {
        foreach (var (height, width) in ((int, int)[])[(64, 64), (16, 16), (33, 47), (64, 20), (3, 5), (1, 1)])
        {
            for (var severity = 1; severity <= Corruption.Severities; severity++)
                Assert.Equal(3 * height * width, Apply(Find(id), Image(height, width), height, width, severity).Length);
        }
        Assert.NotEqual(Image(64, 64), Apply(Find(id), Image(64, 64), 64, 64, 5));
    }

    [Theory, InlineData("gaussian_blur"), InlineData("defocus_blur"), InlineData("glass_blur"), InlineData("motion_blur"),
        InlineData("zoom_blur"), InlineData("elastic_transform"),
        InlineData("pixelate"), InlineData("contrast")]
    public void Corruptions_that_move_or_average_pixels_keep_a_uniform_grey(string id)
    {
        var grey = Enumerable.Repeat((byte)120, 3 * 32 * 32).ToArray();
        for (var severity = 1; severity <= Corruption.Severities; severity++)
            // a rounding error below 120 is truncated to 119
            Assert.All(Apply(Find(id), grey, 32, 32, severity), value => Assert.InRange(value, 119, 120));
    }

    [Fact]
    public void Shot_noise_keeps_the_mean_and_has_Poisson_variance()
    {
        var draws = new SeedStream(5).Open("test");
        // 102 is 0.4 of 255, so the rate is 20 at severity 5, where one count is 5.1 levels
        var image = Enumerable.Repeat((byte)102, 3 * 64 * 64).ToArray();
        var output = new byte[image.Length];
        new ShotNoise().Apply(image, 64, 64, 5, draws, output);
        var mean = output.Average(value => (double)value);
        Assert.Equal(102, mean, 1.5);
        Assert.Equal(5.1 * Math.Sqrt(20), Math.Sqrt(output.Average(value => (value - mean) * (value - mean))), 1.0);
    }

    [Fact]
    public void Motion_blur_at_zero_degrees_moves_along_the_row()
    {
        var plane = new double[5 * 30];
        plane[2 * 30 + 20] = 1;
        MotionBlur.Move(plane, 5, 30, radius: 6, sigma: 2, degrees: 0);
        for (var i = 0; i < plane.Length; i++)
            Assert.Equal(i / 30 == 2 && i % 30 is > 13 and <= 20, plane[i] > 0);      // weights below half a level are rounded away
    }

    [Fact]
    public void The_affine_map_returns_moved_points_to_their_origin()
    {
        double[] jitter = [1.5, -2, 0.25, 1, -1.75, 2.5];
        var map = ElasticTransform.Affine(32, 32, jitter);
        double[] points = [26, 26, 26, 6, 6, 6];
        for (var i = 0; i < 6; i += 2)
        {
            var (x, y) = (points[i] + jitter[i], points[i + 1] + jitter[i + 1]);
            Assert.Equal(points[i], map[0] * x + map[1] * y + map[2], 1e-9);
            Assert.Equal(points[i + 1], map[3] * x + map[4] * y + map[5], 1e-9);
        }
    }

    [Fact]
    public void Plasma_ranges_from_0_to_1_and_wraps_around()
    {
        var draws = new SeedStream(3).Open("test");
        var plasma = Plasma.Of(32, 3, draws.Uniform);
        Assert.Equal((0.0, 1.0), (plasma.Min(), plasma.Max()));
        // On a torus the step across the edge is not much larger than the largest step inside.
        double Step(int x) => Enumerable.Range(0, 32).Average(y => Math.Abs(plasma[y * 32 + x] - plasma[y * 32 + (x + 1) % 32]));
        Assert.InRange(Step(31), 0, Enumerable.Range(0, 31).Max(Step) * 1.5);
    }

    [Fact]
    public void A_grey_set_stays_grey_and_is_corrupted()
    {
        var images = new NoiseImages(count: 4, channels: 1);
        foreach (var kind in Corruption.All)
        {
            var corrupted = kind.Of(images, 5, new SeedStream(0));
            Assert.Equal((1, images.Count), (corrupted.Channels, corrupted.Count));
            Assert.Equal(images.ImageBytes, corrupted.Read(1, new byte[images.ImageBytes]).Length);
        }
        Assert.NotEqual(images.Read(1, []).ToArray(), new Contrast().Of(images, 5, new SeedStream(0)).Read(1, new byte[images.ImageBytes])
            .ToArray());
    }

    [Fact]
    public void An_invalid_severity_or_image_size_is_rejected_with_the_received_value()
    {
        var image = Image(4, 4);
        Assert.Contains("Received: 0", Assert.Throws<ArgumentOutOfRangeException>(() => Apply(new Fog(), image, 4, 4, 0)).Message,
            StringComparison.Ordinal);
        Assert.Contains("Received: 6",
            Assert.Throws<ArgumentOutOfRangeException>(() => new Fog().Of(new NoiseImages(), 6, new SeedStream(0))).Message,
            StringComparison.Ordinal);
        Assert.Contains("4×5, 48", Assert.Throws<ArgumentException>(() => Apply(new Fog(), image, 4, 5, 1)).Message,
            StringComparison.Ordinal);
    }
}
