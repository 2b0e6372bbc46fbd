using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Detects hardware on which bfloat16 is faster than float32. Elsewhere bfloat16 is emulated, or its instructions are no faster than
/// those of float32.
/// </summary>
internal static unsafe class Bfloat16Hardware
{
    private const int ComputeCapabilityMajor = 75;      // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    private const int Ampere = 8;                       // the first generation with bfloat16
    private const int Amd = 0x68747541;                 // "Auth", the beginning of "AuthenticAMD", in EBX of leaf 0

    private static readonly Lazy<bool> processor = new(IsInProcessor);

    public static bool IsFasterIn(Device device) => device.type switch
    {
        DeviceType.CPU => processor.Value,
        DeviceType.CUDA => IsInGpu(Math.Max(device.index, 0)),
        _ => false,
    };

    // AVX-512 BF16: leaf 7, subleaf 1, EAX bit 5; AMX-BF16: leaf 7, subleaf 0, EDX bit 22 (Intel's manual, volume 2, CPUID). On
    // Intel's processors AVX-512 BF16 alone, where a virtual machine hides AMX, is slower than float32 (docs/guide/speed.md).
    private static bool IsInProcessor() => Avx512F.IsSupported && X86Base.CpuId(0, 0) is { Eax: >= 7 } vendor
        && ((X86Base.CpuId(7, 0).Edx >> 22 & 1) != 0 || (vendor.Ebx == Amd && (X86Base.CpuId(7, 1).Eax >> 5 & 1) != 0));

    // Asks the driver, which is installed wherever a GPU works.
    private static bool IsInGpu(int index)
    {
        if (!NativeLibrary.TryLoad(OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1", out var driver)
            || !NativeLibrary.TryGetExport(driver, "cuInit", out var initialize)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGet", out var find)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGetAttribute", out var read))
            return false;
        int device, major;
        return ((delegate* unmanaged<uint, int>)initialize)(0) == 0
            && ((delegate* unmanaged<int*, int, int>)find)(&device, index) == 0
            && ((delegate* unmanaged<int*, int, int, int>)read)(&major, ComputeCapabilityMajor, device) == 0
            && major >= Ampere;
    }
}
