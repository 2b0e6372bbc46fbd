using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Tests.Support;

/// <summary>
/// Weights and images that can be reproduced from integers alone, with SplitMix64's finalizer over (seed, tensor number, flat index). The
/// recorded outputs in <c>Parity/vectors/models.json</c> belong to networks with these weights.
/// </summary>
internal static class ReferenceFill
{
    private const int FineInput = 65535, CoarseInput = 65534;

    /// <summary>53 random bits of element <paramref name="i"/> of tensor <paramref name="k"/>.</summary>
    public static ulong Bits(ulong seed, ulong k, ulong i)
    {
        var x = unchecked((seed << 56) + (k << 32) + i + 0x9E3779B97F4A7C15UL);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EBUL);
        return (x ^ (x >> 31)) >> 11;
    }

    /// <summary>The same bits as a number in [0, 1).</summary>
    public static double Unit(ulong seed, ulong k, ulong i) => Bits(seed, k, i) * (1.0 / (1UL << 53));

    /// <summary>Fills a float32 or float64 tensor in place with the float32 values of its kind.</summary>
    public static void Fill(Tensor target, string kind, double gain, ulong seed, ulong k)
    {
        using var noGradient = no_grad();
        if (kind == "counter")
        {
            target.zero_();
            return;
        }
        var fanIn = target.dim() < 2 ? 1 : target.numel() / target.size(0);
        var (offset, factor) = kind switch
        {
            "weight" => (0.0, gain * Math.Sqrt(3.0 / fanIn)),
            "bn_weight" => (1.0, 0.2),
            "bn_bias" or "bias" or "running_mean" => (0.0, 0.1),
            "running_var" => (1.0, 0.5),
            _ => throw new ArgumentException($"'{kind}' is no kind of the reference fill.", nameof(kind)),
        };
        var (low, span) = kind == "running_var" ? (0, 1) : (-1, 2);
        var values = new float[target.numel()];
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(offset + factor * (low + span * Unit(seed, k, (ulong)i)));
        using var filled = tensor(values, target.shape);
        target.copy_(filled);
    }

    /// <summary>The input images of the recorded networks: fine noise on 8×8 tiles of coarse noise, float32 (N, C, H, W).</summary>
    public static Tensor Input(ulong seed, long[] shape)
    {
        var (n, c, h, w) = (shape[0], shape[1], shape[2], shape[3]);
        var (tileRows, tileColumns) = ((h + 7) / 8, (w + 7) / 8);
        var values = new float[n * c * h * w];
        for (long i = 0; i < values.Length; i++)
        {
            var (plane, row, column) = (i / (h * w), i / w % h, i % w);
            var tile = (plane * tileRows + row / 8) * tileColumns + column / 8;
            values[i] = (float)(0.5 * Signed(seed, FineInput, i) + 2.0 * Signed(seed, CoarseInput, tile));
        }
        return tensor(values, shape);
    }

    /// <summary>The values of a tensor of any floating type, row-major.</summary>
    public static double[] Values(Tensor source)
    {
        using var scope = NewDisposeScope();
        var flat = source.detach().to(ScalarType.Float64).contiguous();
        return MemoryMarshal.Cast<byte, double>(flat.bytes).ToArray();
    }

    private static double Signed(ulong seed, ulong k, long i) => 2 * Unit(seed, k, (ulong)i) - 1;
}
