using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Patchwork.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Makes every BatchNorm of a model compute mean and variance over the rows of all ranks in training, until disposed: <c>y = γ·(x - μ)/√(σ²
/// + ε) + β</c> with μ and σ² of the whole batch. The gradient through them is summed over all ranks too. Layers in evaluation mode are
/// unaffected.
/// </summary>
/// <remarks>
/// Each layer needs two sums, with one value per channel, in the forward pass and two in the backward pass, and each sum waits for all
/// ranks: worthwhile if each rank has few rows. A rank without rows of a batch takes part with a row that does not count.
/// </remarks>
internal sealed class SyncedBatchNorm : IDisposable
{
    private readonly Ranks ranks;
    private readonly List<nn.Module<Tensor, Tensor>.HookRemover> hooks = [];
    private readonly RankSum sum;
    private Tensor? input;

    public SyncedBatchNorm(nn.Module<Tensor, Tensor> model, Ranks ranks)
    {
        (this.ranks, sum) = (ranks, new RankSum(ranks));
        foreach (var norm in model.modules().OfType<BatchNorm>())
        {
            hooks.Add(norm.register_forward_pre_hook((_, x) => Enter(norm, x)));
            hooks.Add(norm.register_forward_hook((_, _, output) => Leave(norm, output)));
        }
    }

    /// <summary>True while this rank's rows do not count.</summary>
    public bool IsSpare { get; set; }

    /// <summary>Rethrows the exception of an exchange in a backward pass, which must not propagate through torch's own frames.</summary>
    public void ThrowIfFailed() => sum.Failure?.Throw();

    public void Dispose()
    {
        foreach (var hook in hooks)
            hook.remove();
        hooks.Clear();
    }

    // The layer itself runs on one row in evaluation mode, which costs almost nothing and updates no statistics.
    private Tensor Enter(BatchNorm norm, Tensor x)
    {
        if (!norm.training)
            return x;
        input = x;
        norm.eval();
        return x.narrow(0, 0, 1);
    }

    private Tensor Leave(BatchNorm norm, Tensor output)
    {
        if (input is not { } x)
            return output;
        input = null;
        norm.train();
        using var scope = NewDisposeScope();
        var wide = x.to(x.dtype.Wide());
        long[] others = [.. Enumerable.Range(0, (int)x.dim()).Where(axis => axis != 1)];
        long[] shape = [.. Enumerable.Range(0, (int)x.dim()).Select(axis => axis == 1 ? x.size(1) : 1)];
        var counts = Held(IsSpare ? 0 : 1);
        using var places = tensor([(float)(x.numel() / x.size(1))]).to(wide.device);
        var first = sum.Of(cat([wide.sum(others), places]) * counts);                     // (C + 1)
        var (count, mean) = (first.narrow(0, x.size(1), 1).detach(), first.narrow(0, 0, x.size(1)));
        mean /= count;
        var centred = wide - mean.reshape(shape);
        var variance = sum.Of((centred * centred).sum(others) * counts) / count;       // (C), biased
        Follow(norm, mean, variance, count);
        var scale = variance.add(Held(norm.eps), One).rsqrt();
        if (norm.weight is { } weight)
            scale *= weight;
        var y = centred * scale.reshape(shape);
        if (norm.bias is { } bias)
            y = y.Plus(bias.reshape(shape));
        return y.to(x.dtype).MoveToOuterDisposeScope();
    }

    // Updates the running statistics as torch does, with the unbiased variance.
    private static void Follow(BatchNorm norm, Tensor mean, Tensor variance, Tensor count)
    {
        if (norm is not { running_mean: { } means, running_var: { } variances, num_batches_tracked: { } batches })
            return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        batches.add_(One, One);
        var momentum = norm.momentum ?? 1.0 / batches.ToInt64();
        var unbiased = variance * (count / (count - One).clamp_min(One));
        means.mul_(Held(1 - momentum)).add_(mean, Held(momentum));
        variances.mul_(Held(1 - momentum)).add_(unbiased, Held(momentum));
    }
}

/// <summary>
/// The sum over all ranks as an operation of a network: each rank's result depends on every rank's input in the same way, so the gradient
/// is the sum of the ranks' gradients.
/// </summary>
internal sealed class RankSum(Ranks ranks)
{
    /// <summary>The exception of an exchange in a backward pass.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Sums values over all ranks; the caller owns the result.</summary>
    public Tensor Of(Tensor values)
    {
        Failure?.Throw();      // from the previous part of a batch
        return Function.apply(values, this);
    }

    private Tensor Sum(Tensor values)
    {
        var here = values.detach().to(ScalarType.Float32).cpu().contiguous().clone();
        ranks.Sum(MemoryMarshal.Cast<byte, float>(here.bytes));
        return here.to(values.dtype, values.device);
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(RankSum);

        public override Tensor forward(autograd.AutogradContext context, params object[] inputs)
        {
            context.save_data(nameof(RankSum), inputs[1]);
            return ((RankSum)inputs[1]).Sum((Tensor)inputs[0]);
        }

        public override List<Tensor> backward(autograd.AutogradContext context, Tensor gradient)
        {
            var owner = (RankSum)context.get_data(nameof(RankSum));
            try
            {
                if (owner.Failure is null)
                    return [owner.Sum(gradient), null!];
            }
            catch (Exception failure)
            {
                owner.Failure = ExceptionDispatchInfo.Capture(failure);
            }
            return [zeros_like(gradient), null!];
        }
    }
}
