using Patchwork.Data;
using Patchwork.Randomness;

namespace Patchwork.Evaluation;

/// <summary>A set whose images are corrupted when they are read, on the thread that reads them.</summary>
internal sealed class CorruptedSet(Dataset whole, Corruption corruption, int severity, SeedStream seeds)
    : DatasetView(whole, samePixels: false)
{
    public override ReadOnlySpan<byte> Read(int index, Span<byte> scratch)
    {
        var clean = Whole.Read(index, scratch);
        var output = scratch[..ImageBytes];
        var draws = seeds.Open($"corruption {corruption.Id}", severity, index);
        if (Channels == 3)
        {
            corruption.Apply(clean, Height, Width, severity, draws, output);
            return output;
        }
        Span<byte> planes = new byte[3 * clean.Length];
        for (var channel = 0; channel < 3; channel++)
            clean.CopyTo(planes[(channel * clean.Length)..]);
        corruption.Apply(planes, Height, Width, severity, draws, planes);
        for (var i = 0; i < output.Length; i++)
            // ITU-R BT.601
            output[i] = (byte)(0.299 * planes[i] + 0.587 * planes[output.Length + i] + 0.114 * planes[2 * output.Length + i] + 0.5);
        return output;
    }
}
