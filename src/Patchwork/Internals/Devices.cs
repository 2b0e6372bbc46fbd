using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>Where to compute.</summary>
internal static class Devices
{
    /// <summary>The device of that name.</summary>
    /// <exception cref="InputException">It is not there.</exception>
    public static Device Require(string name)
    {
        if (name == "cpu")
            return CPU;
        if (cuda.is_available())
            return CUDA;
        throw new InputException($"--device {name} needs a libtorch with CUDA and a GPU. Received: libtorch {__version__} for the processor only. Build with -p:LibTorch=none, name a CUDA libtorch by PATCHWORK_LIBTORCH, or use --device cpu.");
    }
}
