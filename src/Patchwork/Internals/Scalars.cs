using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Numbers for torch's operations that stay alive during the call. TorchSharp passes the address of a <see cref="Scalar"/> to native code
/// without keeping the object alive: a temporary one can be garbage-collected and freed while native code still reads it, and the operation
/// then fails or computes with garbage.
/// </summary>
/// <remarks>
/// This affects <c>x * 2</c> as well as <c>a + b</c>, which creates a factor of 1 for b. The compiler rejects both in this library
/// (<c>BannedSymbols.txt</c>).
/// </remarks>
internal static class Scalars
{
    private const int Kept = 4096;

    [ThreadStatic] private static Scalar[]? recent;
    [ThreadStatic] private static int next;

    /// <summary>0.</summary>
    public static Scalar Zero { get; } = Made(0L);

    /// <summary>1.</summary>
    public static Scalar One { get; } = Made(1L);

    /// <summary>
    /// A number that stays alive until a few thousand later ones have been requested on this thread, which is longer than any call that
    /// uses it.
    /// </summary>
    public static Scalar Held(double value) => Hold(Made(value));

    /// <inheritdoc cref="Held(double)"/>
    public static Scalar Held(long value) => Hold(Made(value));

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>a + b, in place in a.</summary>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, One);

    /// <summary>x + c for a number c.</summary>
    public static Tensor Plus(this Tensor x, double c) => x.add(Held(c), One);

    /// <summary>The floating-point type itself, or float32 in place of a 16-bit type: for numbers whose rounding would show.</summary>
    public static ScalarType Wide(this ScalarType type) => type is ScalarType.BFloat16 or ScalarType.Float16 ? ScalarType.Float32 : type;

    /// <summary>1 - x.</summary>
    public static Tensor OneMinus(Tensor x)
    {
        using var negative = x.neg();
        return negative.add(One, One);
    }

#pragma warning disable RS0030 // the one place that makes scalars
    private static Scalar Made(double value) => value;

    private static Scalar Made(long value) => value;
#pragma warning restore RS0030

    private static Scalar Hold(Scalar scalar)
    {
        recent ??= new Scalar[Kept];
        recent[next] = scalar;
        next = (next + 1) % Kept;
        return scalar;
    }
}
