namespace Patchwork.Internals;

/// <summary>Whether a thread casts on a type of device, and to which type.</summary>
internal readonly record struct AutocastState(bool Enabled, sbyte Type);

/// <summary>
/// The functions of at::autocast in the loaded libtorch (<c>ATen/autocast_mode.h</c>). They are looked up by the names that GCC and Clang
/// give them; a library built by another compiler does not have these.
/// </summary>
internal static unsafe class AutocastFunctions
{
    private static readonly delegate* unmanaged<sbyte, byte> isEnabled;
    private static readonly delegate* unmanaged<sbyte, byte, void> setEnabled;
    private static readonly delegate* unmanaged<sbyte, sbyte> getType;
    private static readonly delegate* unmanaged<sbyte, sbyte, void> setType;
    private static readonly delegate* unmanaged<void> clearCache;

#pragma warning disable CA1810 // libtorch must be loaded first.
    static AutocastFunctions()
    {
        NativeLibraries.Ensure();
        isEnabled = (delegate* unmanaged<sbyte, byte>)NativeFunctions.OfTorch("_ZN2at8autocast19is_autocast_enabledEN3c1010DeviceTypeE");
        setEnabled = (delegate* unmanaged<sbyte, byte, void>)NativeFunctions.OfTorch(
            "_ZN2at8autocast20set_autocast_enabledEN3c1010DeviceTypeEb");
        getType = (delegate* unmanaged<sbyte, sbyte>)NativeFunctions.OfTorch("_ZN2at8autocast18get_autocast_dtypeEN3c1010DeviceTypeE");
        setType = (delegate* unmanaged<sbyte, sbyte, void>)NativeFunctions.OfTorch(
            "_ZN2at8autocast18set_autocast_dtypeEN3c1010DeviceTypeENS1_10ScalarTypeE");
        clearCache = (delegate* unmanaged<void>)NativeFunctions.OfTorch("_ZN2at8autocast11clear_cacheEv");
        AreThere = isEnabled != null && setEnabled != null && getType != null && setType != null && clearCache != null;
    }
#pragma warning restore CA1810

    /// <summary>True if all of them were found; otherwise nothing here may be called.</summary>
    public static bool AreThere { get; }

    /// <summary>The state of this thread for a type of device (c10::DeviceType).</summary>
    public static AutocastState State(sbyte device) => new(isEnabled(device) != 0, getType(device));

    /// <summary>Sets the state of this thread for a type of device.</summary>
    public static void Set(sbyte device, AutocastState state)
    {
        setType(device, state.Type);
        setEnabled(device, state.Enabled ? (byte)1 : (byte)0);
    }

    /// <summary>
    /// Drops all cached casts of weights, which are valid only while the weights do not change. libtorch shares this cache between all
    /// threads, so other threads cast their weights again.
    /// </summary>
    public static void ClearCache() => clearCache();
}
