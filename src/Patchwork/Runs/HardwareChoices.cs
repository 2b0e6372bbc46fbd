using System.Runtime.InteropServices;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>What a recipe leaves to the machine, chosen once when a run begins and stored in it.</summary>
internal static class HardwareChoices
{
    // Multiply-adds of a batch: ResNet-8 on 32 images of 32×32 has 0.4 billion, ResNet-20 on 64 has 2.6. Below, a second thread brings a
    // half at best, and where another program wants the cores it takes a half away.
    private const double LeastShared = 1e9;

    /// <summary>
    /// Torch threads for the runs of a recipe: what it says; otherwise as many as torch has, or one where a batch is too little work to
    /// share out. A method that looks through the network does much beside, and on a GPU the network's work is not the processor's.
    /// </summary>
    /// <param name="resolved">The recipe.</param>
    /// <param name="model">Its network.</param>
    /// <param name="card">The network's input.</param>
    public static int Threads(ResolvedRecipe resolved, ImageClassifier model, ModelCard card)
    {
        var recipe = resolved.Recipe;
        if (recipe.Threads > 0)
            return recipe.Threads;
        var most = Math.Min(get_num_threads(), resolved.MostThreads ?? int.MaxValue);
        var rows = recipe.CleanHalf ? 2 * recipe.BatchSize : recipe.BatchSize;
        var shared = most > 1 && (recipe.Device != "cpu" || resolved.Stack.Mixer is { Needs: Needs.Model }
            || rows * (double)MultiplyAdds.Of(model, card.Channels, card.Height, card.Width) >= LeastShared);
        return shared ? most : 1;
    }

    /// <summary>
    /// Has torch compute on a number of threads until disposed. Where runs go on beside each other the number stays: to set it is to set
    /// theirs.
    /// </summary>
    public static IDisposable OnThreads(int threads) => new ThreadNumber(threads);

    /// <summary>The precision of training, and a remark for the user where it is not what one may expect.</summary>
    /// <param name="asked">What the recipe says.</param>
    /// <param name="device">Where it trains.</param>
    public static (Precision Precision, string? Remark) Precision(Precision asked, Device device)
    {
        var inHardware = Bfloat16Hardware.IsIn(device);
        if (asked == Patchwork.Precision.Float32 || (asked == Patchwork.Precision.Auto && !inHardware))
            return (Patchwork.Precision.Float32, null);
        if (!Autocast.IsSupported)
            return (Patchwork.Precision.Float32,
                $"training in float32: libtorch {__version__} on {RuntimeInformation.RuntimeIdentifier} has no autocast functions");
        return (Patchwork.Precision.BFloat16, inHardware ? null
            : $"bfloat16 is emulated on this {(device.type == DeviceType.CPU ? "processor" : "GPU")} and slower than float32; "
                + "`Precision` auto would choose float32");
    }

    private sealed class ThreadNumber : IDisposable
    {
        private readonly int before = get_num_threads();

        public ThreadNumber(int threads) => Set(threads);

        public void Dispose()
        {
            if (!TorchDraws.HasOwnGenerator)
                Set(before);
        }

        private static void Set(int threads)
        {
            if (get_num_threads() != threads)
                set_num_threads(threads);
        }
    }
}
