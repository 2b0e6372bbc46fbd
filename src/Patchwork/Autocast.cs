using System.Runtime.InteropServices;
using Patchwork.Internals;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork;

/// <summary>
/// Mixed precision on this thread until disposed, like PyTorch's <c>torch.autocast</c>: convolutions and matrix products cast their inputs
/// and weights to the scope's type and compute in it. Weights and gradients stay float32. Open it around the forward pass only, convert the
/// logits to float32 for the loss, and call <c>backward</c> outside.
/// </summary>
/// <remarks>
/// TorchSharp has no such scope, so this calls libtorch's own functions in the library that is already loaded.
/// <para>A scope ends on the thread that opened it (the compiler enforces this), restores the previous state, and drops the cached casts of
/// the weights. PyTorch drops them only at the end of the outermost scope, and computes with stale weights if the optimizer steps inside
/// one. Do not use one network in scopes on two threads: they would share the cached casts.</para>
/// <para>On Linux with AMX, the first scope of a thread enlarges its signal stack: .NET 10 has no room there for AMX's registers, and a
/// null reference in managed code would end the process instead of becoming an exception.</para>
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

    /// <summary>True if the loaded libtorch has the functions that this needs.</summary>
    public static bool IsSupported => AutocastFunctions.AreThere;

    /// <summary>Opens a scope.</summary>
    /// <param name="precision">
    /// <see cref="Precision.BFloat16"/> casts, <see cref="Precision.Float32"/> switches an outer scope off, <see cref="Precision.Auto"/>
    /// chooses by the device: see <see cref="Best"/>.
    /// </param>
    /// <param name="device">The device whose operations are cast, CPU or CUDA. Null, the default, means the CPU.</param>
    /// <exception cref="InputException">
    /// The device is neither CPU nor CUDA, or bfloat16 was requested and the loaded libtorch lacks the functions.
    /// </exception>
    public static Autocast To(Precision precision, Device? device = null)
    {
        if (device is { type: not (DeviceType.CPU or DeviceType.CUDA) })
            throw new InputException($"Autocast needs a CPU or CUDA device. Received: {device}.");
        var type = (sbyte)(device?.type ?? DeviceType.CPU);
        if (precision == Precision.Auto)
            precision = Best(device ?? CPU);
        if (precision == Precision.BFloat16)
        {
            if (type == (sbyte)DeviceType.CPU)
                SignalStack.MakeRoom();
            return IsSupported ? new(type, new(true, (sbyte)ScalarType.BFloat16)) : throw new InputException(Missing);
        }
        return IsSupported && AutocastFunctions.State(type) is { Enabled: true } outer ? new(type, outer with { Enabled = false })
            : default;
    }

    /// <summary>
    /// The precision that <see cref="Precision.Auto"/> chooses for a device: bfloat16 on a CPU with AMX, on AMD's with AVX-512 BF16 and on
    /// a GPU of compute capability 8 or more, if libtorch has the functions; float32 otherwise.
    /// </summary>
    /// <param name="device">CPU or CUDA.</param>
    public static Precision Best(Device device) =>
        Bfloat16Hardware.IsFasterIn(device) && IsSupported ? Precision.BFloat16 : Precision.Float32;

    /// <summary>Ends the scope and restores the thread's previous state.</summary>
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
