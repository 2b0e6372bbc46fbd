using Patchwork.Randomness;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Evaluation;

/// <summary>An L∞ attack in pixel space, [0, 1]: it changes each value by at most ε so that a network makes mistakes.</summary>
public abstract record Attack
{
    private protected Attack() { }

    /// <summary>Name in result files.</summary>
    public abstract string Id { get; }

    /// <summary>ε, the maximum change of a value. Range: 0 to 1. Default 8/255, as in the CutMix paper.</summary>
    public double Epsilon { get; init => field = Share(value, "epsilon"); } = 8 / 255.0;

    /// <summary>The same attack with another ε; the other lengths change in proportion.</summary>
    /// <param name="epsilon">ε. Range: 0 to 1.</param>
    public virtual Attack Within(double epsilon) => this with { Epsilon = epsilon };

    /// <summary>Computes the attacked pixels (N, C, H, W) in [0, 1]; the caller owns the result.</summary>
    /// <param name="model">The network, whose gradients are used: a white-box attack.</param>
    /// <param name="pixels">Pixels in [0, 1].</param>
    /// <param name="labels">True classes (N), int64.</param>
    /// <param name="seeds">Randomness of the starting points.</param>
    /// <param name="batch">Number of the batch; the random draws depend on it and not on earlier batches.</param>
    public abstract Tensor Of(PixelModel model, Tensor pixels, Tensor labels, SeedStream seeds, long batch);

    /// <summary>The attacks that are measured: one step and ten. A network that resists only one step masks its gradient.</summary>
    public static IReadOnlyList<Attack> All { get; } = [new Fgsm(), new Pgd()];

    private protected static Tensor Sign(PixelModel model, Tensor pixels, Tensor labels)
    {
        using var scope = NewDisposeScope();
        return model.Gradient(pixels, logits => nn.functional.cross_entropy(logits, labels, reduction: nn.Reduction.Sum)).sign()
            .MoveToOuterDisposeScope();
    }

    private protected static double Share(double value, string name) => value is >= 0 and <= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value),
            FormattableString.Invariant($"{name} must lie in [0, 1]. Received: {name} = {value}."));
}

/// <summary>Fast gradient sign method (Goodfellow et al., ICLR 2015): clip(x + ε·sign(∇CE)).</summary>
public sealed record Fgsm : Attack
{
    /// <inheritdoc/>
    public override string Id => "fgsm";

    /// <inheritdoc/>
    public override Tensor Of(PixelModel model, Tensor pixels, Tensor labels, SeedStream seeds, long batch)
    {
        using var scope = NewDisposeScope();
        return pixels.Plus(Sign(model, pixels, labels) * Held(Epsilon)).clamp(Zero, One).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Projected gradient descent (Madry et al., ICLR 2018): steps along the sign of the gradient from a random point of the ε-box, each
/// projected back into the box and into [0, 1]. With several starts, an image keeps the result with the highest loss.
/// </summary>
public sealed record Pgd : Attack
{
    /// <summary>Length of a step. Range: 0 to 1. Default 2/255.</summary>
    public double StepSize { get; init => field = Share(value, "step size"); } = 2 / 255.0;

    /// <inheritdoc/>
    public override Attack Within(double epsilon) =>
        this with { Epsilon = epsilon, StepSize = Epsilon > 0 ? Math.Min(1, StepSize * epsilon / Epsilon) : StepSize };

    /// <summary>Number of steps. Range: at least 1. Default 10.</summary>
    public int Steps { get; init => field = AtLeastOne(value, "steps"); } = 10;

    /// <summary>Number of random starts. Range: at least 1. Default 1.</summary>
    public int Restarts { get; init => field = AtLeastOne(value, "restarts"); } = 1;

    /// <inheritdoc/>
    public override string Id => "pgd";

    /// <inheritdoc/>
    public override Tensor Of(PixelModel model, Tensor pixels, Tensor labels, SeedStream seeds, long batch)
    {
        if (Restarts == 1)
            return From(model, pixels, labels, seeds, batch);      // nothing to choose from
        using var scope = NewDisposeScope();
        Tensor? worst = null, highest = null;
        for (var restart = 0; restart < Restarts; restart++)
        {
            var moved = From(model, pixels, labels, seeds, batch * Restarts + restart);
            using var noGradient = no_grad();
            var loss = nn.functional.cross_entropy(model.Logits(moved), labels, reduction: nn.Reduction.None);      // (N)
            var higher = highest is null ? ones_like(loss).to(ScalarType.Bool) : loss.gt(highest);
            worst = worst is null ? moved : where(higher.reshape(-1, 1, 1, 1), moved, worst);
            highest = highest is null ? loss : maximum(loss, highest);
        }
        return worst!.MoveToOuterDisposeScope();
    }

    private Tensor From(PixelModel model, Tensor pixels, Tensor labels, SeedStream seeds, long index)
    {
        using var scope = NewDisposeScope();
        seeds.SeedTorch("pgd", 0, index);
        var (lowest, largest) = (pixels.Plus(-Epsilon).clamp(Zero, One), pixels.Plus(Epsilon).clamp(Zero, One));
        var moved =
            minimum(maximum(pixels.Plus((TorchDraws.Uniform(pixels.shape, pixels.dtype, pixels.device) * Held(2))
            .Plus(-1) * Held(Epsilon)), lowest), largest);
        for (var step = 0; step < Steps; step++)
        {
            using var each = NewDisposeScope();
            var next = minimum(maximum(moved.Plus(Sign(model, moved, labels) * Held(StepSize)), lowest), largest);
            moved.Dispose();
            moved = next.MoveToOuterDisposeScope();
        }
        return moved.MoveToOuterDisposeScope();
    }

    private static int AtLeastOne(int value, string name) => value >= 1 ? value
        : throw new ArgumentOutOfRangeException(nameof(value), $"{name} must be at least 1. Received: {name} = {value}.");
}
