using System.Runtime.InteropServices;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork;

/// <summary>
/// Mixed precision on this thread until disposed, as PyTorch's <c>torch.autocast</c>: convolutions and matrix products cast their inputs
/// and weights to the scope's type and compute in it. The weights themselves stay float32, and so do their gradients. Open it around the
/// forward pass alone, take the logits to float32 for the loss, and call <c>backward</c> outside.
/// </summary>
/// <remarks>
/// TorchSharp has no such scope: its functions are libtorch's own, called on the library that is loaded already.
/// <para>A scope ends on the thread that opened it, which the compiler sees to, restores what it found, and drops the copies of the weights
/// that were cast. PyTorch drops them only with the outermost scope, and computes with old weights where the optimizer's step lies inside
/// one. Do not use one network on two threads within scopes: they would share such copies.</para>
/// </remarks>
/// <example><code>
/// Tensor logits;
/// using (Autocast.To(Precision.Auto))
///     logits = model.call(images);
/// var loss = targets.Loss(logits.to(ScalarType.Float32), new CrossEntropy());
/// loss.backward();
/// </code></example>
public ref struct Autocast : IDisposable
{
    private readonly sbyte device;
    private readonly AutocastState found;
    private bool open;

    private Autocast(sbyte device, AutocastState wanted)
    {
        (this.device, found, open) = (device, AutocastFunctions.State(device), true);
        AutocastFunctions.Set(device, wanted);
    }

    /// <summary>True where the loaded libtorch has the functions that this needs.</summary>
    public static bool IsSupported => AutocastFunctions.AreThere;

    /// <summary>Opens a scope.</summary>
    /// <param name="precision">
    /// <see cref="Precision.BFloat16"/> casts, <see cref="Precision.Float32"/> switches an outer scope off, <see cref="Precision.Auto"/>
    /// does what suits the device: see <see cref="Best"/>.
    /// </param>
    /// <param name="device">The device whose operations it acts on, CPU or CUDA; null, the default: the CPU.</param>
    /// <exception cref="InputException">
    /// The device is another one; or bfloat16 is asked for, and the loaded libtorch does not have the functions.
    /// </exception>
    public static Autocast To(Precision precision, Device? device = null)
    {
        if (device is { type: not (DeviceType.CPU or DeviceType.CUDA) })
            throw new InputException($"Autocast is for a CPU or CUDA device. Received: {device}.");
        var type = (sbyte)(device?.type ?? DeviceType.CPU);
        if (precision == Precision.Auto)
            precision = Best(device ?? CPU);
        if (precision == Precision.BFloat16)
            return IsSupported ? new(type, new(true, (sbyte)ScalarType.BFloat16)) : throw new InputException(Missing);
        return IsSupported && AutocastFunctions.State(type) is { Enabled: true } outer ? new(type, outer with { Enabled = false })
            : default;
    }

    /// <summary>
    /// What <see cref="Precision.Auto"/> means on a device: bfloat16 on a CPU with AVX-512 BF16 or AMX and on a GPU of compute capability
    /// 8 or more, where libtorch has the functions; float32 elsewhere.
    /// </summary>
    /// <param name="device">CPU or CUDA.</param>
    public static Precision Best(Device device) => Bfloat16Hardware.IsIn(device) && IsSupported ? Precision.BFloat16 : Precision.Float32;

    /// <summary>Ends the scope: the thread is as it was before.</summary>
    public void Dispose()
    {
        if (!open)
            return;
        open = false;
        AutocastFunctions.ClearCache();
        AutocastFunctions.Set(device, found);
    }

    internal static string Missing => $"bfloat16 needs a libtorch with autocast functions under their usual names. Received: "
        + $"libtorch {__version__} on {RuntimeInformation.RuntimeIdentifier}, which lacks them. Use float32.";
}
