using CsCheck;
using Patchwork.Distributed;
using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Regularization;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>Laws of distributed training: one, two, three and four ranks train the same network on the same mixed images.</summary>
[Collection(SerialCollection.Name)]
public sealed class RanksLawsTests
{
    private static readonly Mixer[] Mixers =
    [
        .. Methods.All.Select(method => method.Create()).OfType<Mixer>(),
        .. Enum.GetValues<Scope>().Select(scope => new CutMix { Scope = scope, Partners = Partners.Permutation }),
        new CutMix { Partners = Partners.Roll }, new CutMix { Placement = Placement.Inside }, new CutMix { Fold = true },
        new OneOf(new Mixup(), new CutMix { Scope = Scope.Example }),
    ];

    public static TheoryData<string> InputMixers => [.. Mixers.Where(mixer => mixer.Needs != Needs.Model && mixer is not IRecursiveMixer).Select(mixer => mixer.ToString())
        .Distinct()];

    private static Mixer Named(string text) => Mixers.First(mixer => mixer.ToString() == text);

    [Fact]
    public void Rows_are_divided_in_order_with_at_least_two_per_working_rank() =>
        Gen.Select(Gen.Int[1, 5000], Gen.Int[1, 70]).Sample((count, ranks) =>
        {
            var parts = Enumerable.Range(0, ranks).Select(rank => RankRows.Of(count, rank, ranks)).ToArray();
            var next = 0;
            foreach (var part in parts.Where(part => part.Count > 0))
            {
                Assert.Equal(next, part.First);
                next += part.Count;
            }
            Assert.Equal(count, next);
            var sizes = parts.Select(part => part.Count).Where(size => size > 0).ToArray();
            Assert.True(sizes.Min() >= Math.Min(2, count) && sizes.Max() - sizes.Min() <= 1);
            Assert.True(count < 2 * ranks || sizes.Length == ranks);
            Assert.Equal(sizes.Length, parts.TakeWhile(part => part.Count > 0).Count());      // idle ranks are the last
        });

    [Theory, MemberData(nameof(InputMixers))]
    public void Any_number_of_ranks_sees_the_same_mixed_images_and_targets(string mixer)
    {
        var fit = new RankedFit
        {
            Model = () => ModelZoo.Create(TrainerTests.Fit.ModelFor(Named(mixer)), 3, 1, 16),
            Callbacks = () => [new ErasingCallback(new Cutout { Length = 6 }, new RandomErasing()), new MixingCallback(Named(mixer)),
                new MixAudit { LabelsByArea = Named(mixer).LabelsByArea }],
        };
        SameImages(fit);
    }

    [Fact]
    public void Any_number_of_ranks_sees_the_same_images_with_a_clean_half_a_clean_tail_or_no_mixing()
    {
        SameImages(new() { Callbacks = () => [new MixingCallback(new Mixup()) { CleanHalf = true }, new MixAudit()] });
        SameImages(new() { Callbacks = () => [new MixingCallback(new CutMix()) { CleanHalf = true, CleanTail = 1 }, new MixAudit()] });
        SameImages(new() { Loading = new() { BatchSize = 9, Balanced = true, Threads = 0 }, Images = 28 });      // one image is left over
    }

    private static void SameImages(RankedFit fit)
    {
        var alone = fit.Run(1)[0];
        foreach (var ranks in Lane.IsFull ? (int[])[2, 4] : [4])
        {
            var all = fit.Run(ranks);
            foreach (var (step, whole) in alone.Steps.Index())
            {
                var rows = all.SelectMany(rank => rank.Steps[step].Rows).Order().ToArray();
                Assert.Equal(Enumerable.Range(0, whole.Rows.Length), rows);
                foreach (var part in all.Select(rank => rank.Steps[step]))
                {
                    foreach (var (i, row) in part.Rows.Index())
                    {
                        Assert.Equal(whole.Pixels.AsSpan(row * 256, 256), part.Pixels.AsSpan(i * 256, 256));
                        Assert.Equal(whole.Targets.AsSpan(row * 3, 3), part.Targets.AsSpan(i * 3, 3));
                    }
                }
            }
        }
    }

    // The layers of a rank's network do not see the rows of other ranks, so a rank mixes its own rows, and the plan says so.
    [Theory, InlineData("snapmix"), InlineData("puzzlemix"), InlineData("manifoldmixup"), InlineData("featurecutmix"),
        InlineData("tokenmix")]
    public void Methods_that_need_the_network_mix_only_the_rows_of_their_rank(string method)
    {
        IEnumerable<Callback> Mixing() => Made(method) is Mixer mixer
            ? [new MixingCallback(mixer), new MixAudit { LabelsByArea = mixer.LabelsByArea }]
            : [new FeatureMixingCallback((FeatureMixer)Made(method))];
        var fit = new RankedFit { Callbacks = Mixing, Model = () => ModelZoo.Create(TrainerTests.Fit.ModelFor(Made(method)), 3, 1, 16) };
        foreach (var rank in fit.Run(2))
        {
            foreach (var step in rank.Steps)
            {
                Assert.False(step.Batch.Part!.PlansWhole);
                Assert.Equal(step.Rows.Length, step.Batch.Plan!.Images.Count);
            }
            Assert.True(rank.Weights.All(float.IsFinite));
        }
    }

    private static IMethod Made(string id) => Methods.All.Single(method => method.Id == id).Create();

    public static TheoryData<string> Trainings => [.. Table.Keys];

    private static ImageClassifier Frozen(ModelOptions? options = null)
    {
        var model = ModelZoo.Create("resnet8", 3, 1, 16, options);
        model.FrozenNorm = true;
        return model;
    }

    private static ModelOptions With(params BranchRegularizer[] regularizers) => new() { Regularizers = regularizers };

    private static readonly TrainerOptions Sgd = new() { Epochs = 7, Optimizer = new Sgd { LearningRate = 0.01 } };      // 21 steps

    private static readonly Dictionary<string, RankedFit> Table = new()
    {
        ["frozen BatchNorm"] = new() { Model = () => Frozen(), Options = Sgd },
        ["synchronized BatchNorm"] = new() { Options = Sgd with { SyncBatchNorm = true } },
        ["synchronized, CutMix"] = new()
        {
            Options = Sgd with { SyncBatchNorm = true },
            Callbacks = () => [new MixingCallback(new CutMix { Scope = Scope.Example })],
        },
        ["synchronized, a clean half"] = new()
        {
            Options = Sgd with { SyncBatchNorm = true },
            Callbacks = () => [new MixingCallback(new Mixup()) { CleanHalf = true }],
        },
        ["Adam"] = new() { Model = () => Frozen(), Options = Sgd with { Optimizer = new Adam { LearningRate = 1e-4 } } },
        ["AdamW, clipped"] = new()
        {
            Model = () => Frozen(),
            Options = Sgd with { Optimizer = new AdamW { LearningRate = 1e-4 }, ClipNorm = 0.5 },
        },
        ["clipped"] = new() { Model = () => Frozen(), Options = Sgd with { ClipNorm = 0.3 } },
        ["accumulated"] = new() { Model = () => Frozen(), Options = Sgd with { Accumulate = 2 } },
        ["summed loss"] = new()
        {
            Model = () => Frozen(),
            Options = Sgd with { Loss = new CrossEntropy { Reduction = Reduction.Sum }, Optimizer = new Sgd { LearningRate = 0.001 } },
        },
        ["weighted classes"] = new()
        {
            Model = () => Frozen(),
            Options = Sgd with { Loss = new CrossEntropy { ClassWeights = [0.2, 1, 3] } },
            Callbacks = () => [new MixingCallback(new CutMix())],
        },
        ["moving average"] = new() { Model = () => Frozen(), Options = Sgd, Callbacks = () => [new WeightAverage { Decay = 0.9 }] },
        ["DropBlock"] = new() { Model = () => Frozen(With(new DropBlock { BlockSize = 2 })), Options = Sgd },
        ["stochastic depth"] = new()
        {
            Model = () => Frozen(With(new StochasticDepth { Mode = StochasticDepthMode.Row, DropProbability = 0.5 })),
            Options = Sgd,
        },
        ["stochastic depth of batches"] = new() { Model = () => Frozen(With(new StochasticDepth())), Options = Sgd },
        ["ShakeDrop"] = new() { Model = () => Frozen(With(new ShakeDrop())), Options = Sgd },
        ["ShakeDrop of pixels"] = new() { Model = () => Frozen(With(new ShakeDrop { Level = ShakeDropLevel.Pixel })), Options = Sgd },
        ["ShakeDrop and a clean half"] = new()
        {
            Model = () => Frozen(With(new ShakeDrop())),
            Options = Sgd,
            Callbacks = () => [new MixingCallback(new Mixup()) { CleanHalf = true }],
        },
    };

    [Theory, MemberData(nameof(Trainings))]
    public void The_first_gradient_and_the_final_weights_match_those_of_one_process(string training)
    {
        var fit = Table[training] with { Validates = true };
        var alone = fit.Run(1)[0];
        foreach (var ranks in Lane.IsFull ? (int[])[3, 4] : [2])
        {
            var all = fit.Run(ranks);
            var (first, largest) = (all[0], alone.FirstGradient.Max(Math.Abs));
            Assert.Equal(alone.FirstGradient.Length, first.FirstGradient.Length);
            Close(alone.FirstGradient, first.FirstGradient, 1e-6 * Math.Max(1, largest));
            Close(alone.Weights, first.Weights, 1e-4);
            Close(alone.Buffers, first.Buffers, 1e-4);
            foreach (var name in (string[])["train/loss", "val/loss", "mix/replaced_area", "mix/share_mixed"])
                Assert.Equal(alone.Metrics[name], first.Metrics[name], 1e-3);
            foreach (var other in all.Skip(1))
            {
                Assert.Equal(first.Weights, other.Weights);
                Assert.Equal(first.Metrics["val/loss"], other.Metrics["val/loss"]);
            }
        }
    }

    private static void Close(float[] expected, float[] actual, double tolerance)
    {
        var worst = expected.Zip(actual, (a, b) => Math.Abs((double)a - b)).Max();
        Assert.True(worst <= tolerance, $"{worst} > {tolerance}");
    }

    // Without synchronization each rank normalizes by its own rows. That is a different training, which must still learn.
    [Fact]
    public void Local_statistics_differ_in_training_and_are_averaged_for_the_evaluation()
    {
        var all = new RankedFit { Options = Sgd, Validates = true }.Run(3);
        Assert.True(all.All(rank => rank.Weights.SequenceEqual(all[0].Weights) && rank.Buffers.SequenceEqual(all[0].Buffers)));
        Assert.NotEqual(all[0].Weights, new RankedFit { Options = Sgd, Validates = true }.Run(1)[0].Weights);
        Assert.True(all[0].Metrics["train/loss"] < 1.3);      // ln 3 = 1.10 is chance
    }
}
