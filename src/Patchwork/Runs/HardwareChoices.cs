using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>What a recipe leaves to the machine, chosen once when a run begins and stored in it.</summary>
internal static class HardwareChoices
{
    // Below, threads wait for one another about as long as they compute: ResNet-8 on 32 images of 32×32 has 0.4 billion multiply-adds.
    private const double LeastShared = 1e9;

    // As torch has it before a run sets it: all cores, or what the user's environment says.
    private static readonly Lazy<int> allThreads = new(get_num_threads);

    /// <summary>Torch threads for batches of a network: one where a batch is too little work to share out.</summary>
    /// <param name="asked">0 leaves it to the machine.</param>
    /// <param name="model">The network.</param>
    /// <param name="card">Its input.</param>
    /// <param name="batch">Images a batch.</param>
    public static int Threads(int asked, ImageClassifier model, ModelCard card, int batch)
    {
        var all = allThreads.Value;
        return asked > 0 ? asked
            : all > 1 && batch * (double)MultiplyAdds.Of(model, card.Channels, card.Height, card.Width) < LeastShared ? 1 : all;
    }

    /// <summary>The precision of training, and a remark for the person who runs it where it is not what they may expect.</summary>
    /// <param name="asked">What the recipe says.</param>
    /// <param name="device">Where it trains.</param>
    public static (Precision Precision, string? Remark) Precision(Precision asked, Device device)
    {
        var inHardware = Bfloat16Hardware.IsIn(device);
        if (asked == Patchwork.Precision.Float32 || (asked == Patchwork.Precision.Auto && !inHardware))
            return (Patchwork.Precision.Float32, null);
        if (!Autocast.IsSupported)
            return (Patchwork.Precision.Float32, $"trained in float32: {Autocast.Missing}");
        return (Patchwork.Precision.BFloat16, inHardware ? null
            : $"bfloat16 is emulated on this {(device.type == DeviceType.CPU ? "processor" : "GPU")} and slower than float32; "
                + "`Precision` auto would choose float32");
    }
}
