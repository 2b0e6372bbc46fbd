using System.Runtime.InteropServices;
using Patchwork.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>
/// The weights and buffers of a model on several ranks. Parameters are the same everywhere, because all ranks start from those of rank 0
/// and take the same steps; BatchNorm's running statistics differ between ranks until they are averaged.
/// </summary>
internal static class RankWeights
{
    /// <summary>The prefix under which a checkpoint stores the buffers of a rank other than 0.</summary>
    public static string Prefix(int rank) => $"rank{rank}/";

    /// <summary>Copies the parameters and buffers of rank 0 to every rank.</summary>
    public static void Share(Ranks ranks, nn.Module model)
    {
        if (ranks.Alone)
            return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        foreach (var (_, tensor) in Sorted(model.state_dict()))
        {
            var here = tensor.detach().cpu().contiguous();
            ranks.Broadcast(here.bytes);
            tensor.copy_(here);
        }
    }

    /// <summary>
    /// Replaces every floating-point buffer by its mean over the ranks, which is done before each evaluation (timm's <c>--dist-bn
    /// reduce</c>).
    /// </summary>
    public static void AverageBuffers(Ranks ranks, nn.Module model)
    {
        if (ranks.Alone)
            return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var flat = Flat(model);
        ranks.Sum(flat);
        for (var i = 0; i < flat.Length; i++)
            flat[i] /= ranks.Size;
        Put(model, flat);
    }

    /// <summary>
    /// Gathers the buffers of the other ranks by name on rank 0; a checkpoint stores them besides those of rank 0. The caller owns them.
    /// </summary>
    public static IReadOnlyDictionary<string, Tensor> GatherBuffers(Ranks ranks, nn.Module model)
    {
        var gathered = new Dictionary<string, Tensor>();
        if (ranks.Alone)
            return gathered;
        using var scope = NewDisposeScope();
        var all = ranks.Gather(MemoryMarshal.AsBytes<float>(Flat(model)).ToArray());
        for (var rank = 1; ranks.Leads && rank < ranks.Size; rank++)
            gathered[Prefix(rank) + "buffers"] = tensor(MemoryMarshal.Cast<byte, float>(all[rank]).ToArray()).DetachFromDisposeScope();
        return gathered;
    }

    /// <summary>
    /// Restores what <see cref="GatherBuffers"/> gathered: each rank gets its own buffers if the number of ranks is the same, otherwise
    /// every rank gets the mean.
    /// </summary>
    /// <param name="ranks">The ranks now.</param>
    /// <param name="model">The model, with the buffers of rank 0.</param>
    /// <param name="stored">The tensors of a checkpoint, including those of the ranks.</param>
    public static void LoadBuffers(Ranks ranks, nn.Module model, IReadOnlyDictionary<string, Tensor> stored)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        float[][] all = [Flat(model), .. Enumerable.Range(1, stored.Count)
            .Select(rank => stored.TryGetValue(Prefix(rank) + "buffers", out var buffers) ? buffers.data<float>().ToArray() : null)
            .TakeWhile(buffers => buffers is not null).Select(buffers => buffers!)];
        if (all.Length == ranks.Size)
            Put(model, all[ranks.Rank]);
        else if (all.Length > 1)
            Put(model, [.. all[0].Select((_, i) => all.Average(buffers => buffers[i]))]);
    }

    private static IEnumerable<KeyValuePair<string, Tensor>> Sorted(IEnumerable<KeyValuePair<string, Tensor>> tensors) =>
        tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal);

    private static IEnumerable<Tensor> Buffers(nn.Module model) => model.named_buffers()
        .OrderBy(buffer => buffer.name, StringComparer.Ordinal).Select(buffer => buffer.buffer)
        .Where(buffer => buffer.dtype == ScalarType.Float32);

    private static float[] Flat(nn.Module model) =>
        [.. Buffers(model).SelectMany(buffer => buffer.detach().cpu().contiguous().data<float>().ToArray())];

    private static void Put(nn.Module model, float[] values)
    {
        var at = 0;
        foreach (var buffer in Buffers(model))
        {
            var count = (int)buffer.numel();
            buffer.copy_(tensor(values[at..(at + count)]).reshape(buffer.shape));
            at += count;
        }
    }
}
