namespace Patchwork;

/// <summary>
/// The type of numbers that a network's forward pass computes in. Weights, gradients, losses and metrics are float32 in either.
/// </summary>
public enum Precision
{
    /// <summary>32 bits throughout.</summary>
    Float32,

    /// <summary>
    /// Convolutions and matrix products in bfloat16 (8 bits of exponent, 7 of fraction), by <see cref="Autocast"/>: faster than float32
    /// where the processor has instructions for it, many times slower where it has not.
    /// </summary>
    BFloat16,

    /// <summary>
    /// <see cref="BFloat16"/> where the hardware computes in it, <see cref="Float32"/> elsewhere: <see cref="Autocast.Best"/>.
    /// </summary>
    Auto,
}
