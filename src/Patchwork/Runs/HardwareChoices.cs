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

/// <summary>Makes the choices that a recipe leaves to the machine, once when a run starts; the run stores them.</summary>
internal static class HardwareChoices
{
    // Multiply-adds of a batch: ResNet-8 on 32 images of 32×32 has 0.4 billion, ResNet-20 on 64 has 2.6. Below this limit a second thread
    // gains a half at best, and costs a half if another program needs the cores.
    private const double LeastShared = 1e9;

    /// <summary>
    /// Number of torch threads for the runs of a recipe: the recipe's number if it has one, otherwise as many as torch has, or one if a
    /// batch is too little work to share. This reduction to one does not apply to methods that run the network, which do much other work,
    /// or on a GPU, where the CPU does not run the network.
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
    /// Sets torch's number of threads until disposed. While several runs train at the same time it is not restored, because that would
    /// change the number for all of them.
    /// </summary>
    public static IDisposable OnThreads(int threads) => new ThreadNumber(threads);

    /// <summary>The precision of training, and a remark for the user if it may be unexpected.</summary>
    /// <param name="asked">The precision in the recipe.</param>
    /// <param name="device">The device to train on.</param>
    public static (Precision Precision, string? Remark) Precision(Precision asked, Device device)
    {
        var faster = Bfloat16Hardware.IsFasterIn(device);
        if (asked == Patchwork.Precision.Float32 || (asked == Patchwork.Precision.Auto && !faster))
            return (Patchwork.Precision.Float32, null);
        if (!Autocast.IsSupported)
            return (Patchwork.Precision.Float32,
                $"training in float32: libtorch {__version__} on {RuntimeInformation.RuntimeIdentifier} has no autocast functions");
        return (Patchwork.Precision.BFloat16, faster ? null
            : $"bfloat16 is slower than float32 on this {(device.type == DeviceType.CPU ? "processor" : "GPU")}; "
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
