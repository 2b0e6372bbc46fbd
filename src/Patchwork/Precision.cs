namespace Patchwork;

/// <summary>The floating-point type of a network's forward pass. Weights, gradients, losses and metrics are always float32.</summary>
public enum Precision
{
    /// <summary>32 bits throughout.</summary>
    Float32,

    /// <summary>
    /// Convolutions and matrix products in bfloat16 (8 exponent bits, 7 fraction bits), through <see cref="Autocast"/>: faster than float32
    /// on the hardware that <see cref="Autocast.Best"/> names, slower elsewhere, and many times slower where it is emulated.
    /// </summary>
    BFloat16,

    /// <summary>
    /// <see cref="BFloat16"/> where it is faster, <see cref="Float32"/> elsewhere: see <see cref="Autocast.Best"/>.
    /// </summary>
    Auto,
}
