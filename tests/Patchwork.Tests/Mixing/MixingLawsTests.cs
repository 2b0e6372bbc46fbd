using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Mixing;

/// <summary>Laws of every mixer of the catalogue, in each of its scopes, pairings and placements.</summary>
[Collection(SerialCollection.Name)]
public sealed class MixingLawsTests
{
    public static TheoryData<string> Variants => [.. Table.Keys];

    // A network for the methods that need one to plan.
    private static readonly Network network = Seeded();

    private static Network Seeded()
    {
        new SeedStream(2).SeedTorch("network");
        using var outlives = NewDisposeScope();
        var made = new Network();
        outlives.Detach([.. made.parameters()]);
        return made;
    }

    private static readonly Dictionary<string, Mixer> Table =
        (from method in Methods.All.Select(method => method.Create()).OfType<BetaMixer>()
         from scope in Enum.GetValues<Scope>()
         from partners in Enum.GetValues<Partners>()
             // not mutual, so it is rejected
         where (scope, partners) is not (Scope.Pair, Partners.Roll)
         from variant in Own(method with { Scope = scope, Partners = partners })
         select variant)
        .Concat(Methods.All.Select(method => method.Create()).OfType<Mixer>()
            .Where(mixer => mixer is not (BetaMixer or IRecursiveMixer)).SelectMany(Own))
                                                                   .Append(new OneOf(new Mixup(), new CutMix { Scope = Scope.Example }))
                                                                   .ToDictionary(mixer => mixer.ToString());

    private static IEnumerable<Mixer> Own(Mixer mixer) => mixer switch
    {
        CutMix cutmix => from placement in Enum.GetValues<Placement>()
                         from fold in (bool[])[false, true]
                         select cutmix with { Placement = placement, Fold = fold },
        FMix fmix => [fmix, fmix with { Spectrum = FMixSpectrum.Reference }, fmix with { MaxSoft = 0.2 }],
        GridMix grid => [grid, grid with { Layout = GridLayout.Holes }],
        ResizeMix resize => [resize, resize with { Interpolation = Interpolation.Bilinear }],
        HMix hmix => from ratio in (double[])[0, 0.5, 1] select hmix with { Ratio = ratio },
        GuidedMixup guided => from pairing in Enum.GetValues<GuidedPairing>() select guided with { Pairing = pairing },
        TokenMix tokens => from choice in Enum.GetValues<TokenChoice>() select tokens with { Choice = choice },
        PuzzleMix puzzle => [puzzle, puzzle with { BlockCounts = [3], Transport = false }],      // three blocks per side, for odd sizes
        _ => [mixer],
    };

    // FMix labels by the drawn λ, which a hard mask matches to within one pixel and a soft edge to within two.
    private static double LabelTolerance(Mixer mixer, int height, int width) => mixer is FMix ? 2.0 / (height * width) : 1e-6;

    // H ≠ W, odd sizes, a batch of one and a single row of pixels, so that swapped height and width are noticed. PuzzleMix cuts images into
    // blocks, whose number must divide the sides of the image.
    private static (int N, int Height, int Width)[] Sizes(Mixer mixer) => mixer switch
    {
        PuzzleMix { BlockCounts: [3] } => [(5, 9, 15), (1, 3, 21)],
        PuzzleMix => [(5, 8, 16), (1, 6, 4), (8, 32, 24), (2, 2, 12)],
        _ => [(5, 9, 16), (1, 7, 5), (8, 32, 31), (2, 1, 13)],
    };

    [Theory, MemberData(nameof(Variants))]
    public void Lambda_is_the_kept_share_of_the_pixels_and_the_rest_is_from_the_partner(string variant)
    {
        // Every pixel has the index of its image as its value.
        foreach (var (n, height, width) in Sizes(Table[variant]))
        {
            // a forward pass and a minimum cut per image take time
            for (var draw = 0; draw < Lane.Count(Table[variant].Needs == Needs.Model ? 5 : 20, 3); draw++)
            {
                using var scope = NewDisposeScope();
                var images = arange(n, dtype: ScalarType.Float32).reshape(n, 1, 1, 1).expand(n, 3, height, width).contiguous();
                var plan = Plan(variant, n, height, width, draw);
                var mixed = Table[variant].Apply(images, plan);
                Assert.Equal(images.shape, mixed.shape);
                Assert.Equal(images.dtype, mixed.dtype);
                for (var i = 0; i < n; i++)
                {
                    var (image, partner) = (plan.Images[i], plan.Images[i].Partner);
                    Assert.InRange(image.Lambda, 0, 1);
                    var mask = plan.Masks()[i].to(ScalarType.Float64);
                    if (Table[variant] is not (SnapMix or TokenMix))      // they label by what the network sees, not by pixels
                        Assert.Equal(mask.mean().ToDouble(), image.Lambda, LabelTolerance(Table[variant], height, width));
                    Assert.True((mask * i + (1 - mask) * partner).allclose(mixed[i].to(ScalarType.Float64), 1e-6, 1e-6), $"{image}");
                    if (partner == i || image.Region is not BoxRegion)
                        continue;
                    Assert.Equal(image.Lambda, Share(mixed[i], i), 1e-12);      // no pixel has a value between the two
                    Assert.Equal(1 - image.Lambda, Share(mixed[i], partner), 1e-12);
                }
                Assert.False(images.ne(arange(n, dtype: ScalarType.Float32).reshape(n, 1, 1, 1)).any().ToBoolean(),
                    "the input was changed");
            }
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void Target_rows_sum_to_one_and_a_batch_is_mixed_once(string variant)
    {
        using var scope = NewDisposeScope();
        var batch = new Batch(rand(6, 3, 12, 18), tensor(new long[] { 0, 1, 2, 3, 3, 0 }));
        var mixed = Table[variant].Mix(batch, new SeedStream(4).Open("mix"), NetworkFor(variant));
        // These weigh the two labels separately: the hidden share of one need not equal the visible share of the other.
        double[] sums = [.. mixed.Plan!.Images.Select(image => Table[variant] is SnapMix or TokenMix ? image.Lambda + image.PartnerWeight : 1)];
        Assert.True(mixed.Targets!.Soft(4, ScalarType.Float64).sum(1).allclose(tensor(sums)));
        Assert.All(sums, sum => Assert.InRange(sum, 0, 2));
        Assert.Contains("can be mixed only once",
            Assert.Throws<InvalidOperationException>(() => Table[variant].Mix(mixed, new SeedStream(5).Open("mix"), NetworkFor(variant))).Message);
    }

    [Theory, MemberData(nameof(Variants))]
    public void The_same_stream_gives_the_same_plan_and_it_round_trips_through_JSON(string variant)
    {
        var plan = Plan(variant, 6, 12, 18, 3);
        Assert.Equal(plan.ToJson(), Plan(variant, 6, 12, 18, 3).ToJson());
        if (Table[variant] is not GuidedMixup { Pairing: GuidedPairing.Greedy })      // which draws nothing: the pixels decide
            Assert.NotEqual(plan.ToJson(), Plan(variant, 6, 12, 18, 4).ToJson());
        Assert.Equal(plan.ToJson(), MixPlan.FromJson(plan.ToJson()).ToJson());
        Assert.Contains("not a mix plan", Assert.Throws<System.Text.Json.JsonException>(() => MixPlan.FromJson("{\"method\":1}")).Message);
    }

    [Theory, MemberData(nameof(Variants))]
    public void A_plan_changes_pixels_exactly_when_it_says_so(string variant)
    {
        using var scope = NewDisposeScope();
        var images = rand(8, 3, 24, 24);
        var changed = 0;
        for (var draw = 0; draw < 10; draw++)
        {
            var plan = Plan(variant, 8, 24, 24, draw);
            Assert.Equal(plan.ChangesPixels, Table[variant].Apply(images, plan).ne(images).any().ToBoolean());
            changed += plan.ChangesPixels ? 1 : 0;
        }
        // Where nothing is salient, PuzzleMix takes the most likely z of binomial(λ). For λ above 2/3 that is the whole image, which is a
        // third of the batches.
        Assert.InRange(changed, Table[variant] is PuzzleMix ? 2 : 6, 10);
        var identity = MixPlan.Identity("any", 8, 24, 24, default);
        Assert.False(Table[variant].Apply(images, identity).ne(images).any().ToBoolean());
    }

    [Theory, MemberData(nameof(Variants))]
    public void The_probability_is_the_share_of_mixed_images(string variant)
    {
        const int n = 4;
        var (draws, side) = Table[variant] switch
        {
            FMix or SaliencyMix or GuidedMixup or TokenMix or AutoMix => (200, 8),
            SnapMix => (200, 12),
            PuzzleMix => (40, 12),
            CutMix =>
            (3_000, 64),
            _ => (3_000, 8)
        };
        foreach (var probability in (double[])[0, 0.3, 1])
        {
            var mixer = Table[variant].WithStrengths(null, probability);
            if (mixer is BetaMixer { Partners: Partners.Permutation, Scope: not Scope.Pair } paired and (SnapMix or AutoMix))
                // these leave an image without a partner unchanged, and that is not what is counted here
                mixer = paired with { Partners = Partners.Derangement };
            var seeds = new SeedStream(9);
            using var scope = NewDisposeScope();
            var context = Context(n, side, side, seeds.Open("mix"));
            var images = Enumerable.Range(0, draws)
                .SelectMany(draw => mixer.Plan(context with { Draws = seeds.Open("mix", 0, draw) }).Images);
            var share = images.Count(image => image.DrawnLambda != 1) / (double)(draws * n);
            Assert.Equal(probability, share, 4 * Math.Sqrt(probability * (1 - probability) / draws) + 1e-9);
        }
    }

    [Theory, MemberData(nameof(Variants))]
    public void No_tensor_leaks(string variant)
    {
        using var images = rand(8, 3, 24, 24);
        using var labels = zeros(8, dtype: ScalarType.Int64);
        void Once(int draw)
        {
            using var scope = NewDisposeScope();
            Table[variant].Mix(new Batch(images, labels), new SeedStream(1).Open("mix", 0, draw), NetworkFor(variant)).Targets!.Soft(3);
        }
        Once(0);
        var before = LiveTensors.Settled();
        for (var draw = 0; draw < 20; draw++)
            Once(draw);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_derangement_pairs_no_image_with_itself()
    {
        for (var draw = 0; draw < 200; draw++)
        {
            var plan =
                new CutMix { Partners = Partners.Derangement }.Plan(new MixContext(2 + draw % 7, 8, 8, new SeedStream(2)
                .Open("mix", 0, draw)));
            Assert.DoesNotContain(plan.Images.Index(), pair => pair.Item.Partner == pair.Index);
            Assert.Equal(Enumerable.Range(0, plan.Images.Count), plan.Partners().Order());
        }
    }

    [Fact]
    public void Options_out_of_range_are_rejected_and_named()
    {
        Assert.Contains("alpha must be positive. Received: alpha = 0.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new CutMix { Alpha = 0 }).Message);
        Assert.Contains("probability must lie in [0, 1]. Received: probability = 1.5.",
            Assert.Throws<ArgumentOutOfRangeException>(() => new CutMix { Probability = 1.5 }).Message);
        Assert.Contains("Did you mean 'cutmix'", Assert.Throws<InputException>(() => Methods.Find("cutmx")).Message);
    }

    private static double Share(Tensor image, int id) => image.eq(id).to(ScalarType.Float64).mean().ToDouble();

    private static nn.Module<Tensor, Tensor> NetworkFor(string variant) => Table[variant] is ITrainedMixer ? masking : network;

    private static readonly Masking masking = new();

    private static MixPlan Plan(string variant, int n, int height, int width, int draw)
    {
        using var scope = NewDisposeScope();
        return Table[variant].Plan(Context(n, height, width, new SeedStream(11).Open("mix", 0, draw)));
    }

    // For methods that plan by pixels or by a network: the same images every time.
    private static MixContext Context(int n, int height, int width, Draws draws) => new(n, height, width, draws)
    {
        Images = arange(n * 3 * height * width, dtype: ScalarType.Float32).square().sin().reshape(n, 3, height, width),
        Labels = arange(n).remainder(4),
        Model = network,
        Masks = masking,
    };

    // Masks that follow λ, as a trained network's would: brighter on the left.
    private sealed class Masking : nn.Module<Tensor, Tensor>, IMaskSource
    {
        public Masking() : base("masking") { }

        public override Tensor forward(Tensor images) => network.call(images);

        public Tensor Masks(Tensor images, IReadOnlyList<int> partners, IReadOnlyList<double> lambdas)
        {
            using var scope = NewDisposeScope();
            var own = tensor([.. lambdas]).to(ScalarType.Float32).reshape(-1, 1, 1, 1);
            var slope = linspace(1, -1, images.size(3)).reshape(1, 1, 1, -1) * minimum(own, 1 - own) * 0.5;
            return (slope + own).expand(-1, 1, images.size(2), images.size(3)).clone().MoveToOuterDisposeScope();
        }
    }

    // The minimum that class activation maps and input gradients need: a convolution, pooling and a linear layer. Its attention is the mean
    // of its features.
    private sealed class Network : nn.Module<Tensor, Tensor>, IAttentive
    {
        public Action<Tensor>? Attended { get; set; }

        private readonly TorchSharp.Modules.Conv2d conv = nn.Conv2d(3, 6, 3, padding: 1);
        private readonly TorchSharp.Modules.Linear linear = nn.Linear(6, 4);

        public Network() : base("network") => RegisterComponents();

        public override Tensor forward(Tensor images)
        {
            using var scope = NewDisposeScope();
            var features = nn.functional.relu(conv.call(images));
            Attended?.Invoke(features.detach().mean([1]).DetachFromDisposeScope());
            return linear.call(features.mean([2, 3])).MoveToOuterDisposeScope();
        }
    }
}
