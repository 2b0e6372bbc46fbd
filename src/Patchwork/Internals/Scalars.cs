using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Numbers for torch's operations. TorchSharp hands native code the address of a <see cref="Scalar"/> and does not hold the object: one
/// that is made for the call can be collected and freed while it is read, and the operation then fails or computes with what lies there.
/// Those from here live on.
/// </summary>
/// <remarks>
/// That goes for <c>x * 2</c> as for <c>a + b</c>, which makes a factor of 1 for b. The compiler refuses both in this library
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
    /// A number that lives until a few thousand later ones were asked for on this thread, longer than any call that it is made for.
    /// </summary>
    public static Scalar Held(double value) => Hold(Made(value));

    /// <inheritdoc cref="Held(double)"/>
    public static Scalar Held(long value) => Hold(Made(value));

    /// <summary>a + b.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, One);

    /// <summary>a + b, into a.</summary>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, One);

    /// <summary>x + c for a number c.</summary>
    public static Tensor Plus(this Tensor x, double c) => x.add(Held(c), One);

    /// <summary>A real type itself, float32 in place of those of 16 bits: for numbers whose rounding would show.</summary>
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
