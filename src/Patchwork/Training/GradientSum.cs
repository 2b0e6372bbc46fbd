using System.Runtime.InteropServices;
using Patchwork.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// Sums the gradients of all ranks. They are sent in buckets of about 25 MB, in the reverse order of the parameters, each with flags for
/// the parameters that have a gradient: a parameter without a gradient on any rank keeps none, and the optimizer skips it.
/// </summary>
/// <remarks>
/// Every rank's loss is weighted by its share of the batch before the backward pass, so that the sum is the gradient of the whole batch.
/// Nothing is sent during the backward pass: on CPUs, communication is a hundredth of the computation (docs/guide/several-machines.md).
/// </remarks>
internal sealed class GradientSum(Ranks ranks) : IDisposable
{
    private const long BucketFloats = (25 << 20) / sizeof(float);

    private Tensor? pool;

    /// <summary>Sums the gradients of a model's parameters in place.</summary>
    public void Over(nn.Module model)
    {
        using var noGradient = no_grad();
        var bucket = new List<Parameter>();
        var floats = 0L;
        foreach (var parameter in model.parameters().Where(parameter => parameter.requires_grad).Reverse())
        {
            if (bucket.Count > 0 && floats + parameter.numel() > BucketFloats)
            {
                Sum(bucket, floats);
                bucket.Clear();
                floats = 0;
            }
            bucket.Add(parameter);
            floats += parameter.numel();
        }
        if (bucket.Count > 0)
            Sum(bucket, floats);
    }

    public void Dispose() => pool?.Dispose();

    private void Sum(List<Parameter> bucket, long floats)
    {
        using var scope = NewDisposeScope();
        var flat = Room(floats + bucket.Count);
        var values = MemoryMarshal.Cast<byte, float>(flat.bytes);
        var at = 0L;
        foreach (var (i, parameter) in bucket.Index())
        {
            var place = flat.narrow(0, at, parameter.numel());
            if (parameter.grad is { } gradient)
                place.copy_(gradient.reshape(-1));
            else
                place.zero_();
            values[(int)floats + i] = parameter.grad is null ? 0 : 1;
            at += parameter.numel();
        }
        ranks.Sum(values);
        at = 0;
        foreach (var (i, parameter) in bucket.Index())
        {
            if (values[(int)floats + i] > 0)
            {
                parameter.grad ??= zeros_like(parameter).DetachFromDisposeScope();
                parameter.grad.copy_(flat.narrow(0, at, parameter.numel()).reshape(parameter.shape));
            }
            at += parameter.numel();
        }
    }

    private Tensor Room(long floats)
    {
        if (pool is null || pool.numel() < floats)
        {
            pool?.Dispose();
            pool = empty(floats, dtype: ScalarType.Float32).DetachFromDisposeScope();
        }
        return pool.narrow(0, 0, floats);
    }
}
