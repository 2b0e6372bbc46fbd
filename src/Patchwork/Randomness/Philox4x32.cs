using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Patchwork.Randomness;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011): a
/// block cipher on a 128-bit counter. Any draw can be computed without the ones before it, so a draw depends on its purpose and never on
/// who requests it or when.
/// </summary>
internal static class Philox4x32
{
    private const uint M0 = 0xD2511F53, M1 = 0xCD9E8D57;      // multipliers, table 2 of the paper
    private const uint W0 = 0x9E3779B9, W1 = 0xBB67AE85;      // Weyl increments of the key: golden ratio, sqrt(3) - 1
    private const int Rounds = 10;

    /// <summary>Encrypts the counter with the key: four independent words of 32 bits.</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < Rounds; round++)
        {
            var p0 = (ulong)M0 * c0;
            var p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += W0;
            k1 += W1;
        }
        return (c0, c1, c2, c3);
    }

    /// <summary>Computes the blocks of four counters with consecutive <paramref name="c0"/>, in less time than two single blocks.</summary>
    public static void Blocks(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, ref Words words)
    {
        if (Avx2.IsSupported)
        {
            // One counter per 64-bit lane. Only the lower half matters: a product reads nothing else, so the upper half may contain
            // anything.
            var x0 = Vector256.Create(c0, c0 + 1, (ulong)(c0 + 2), c0 + 3);
            var (x1, x2, x3) = (Vector256.Create((ulong)c1), Vector256.Create((ulong)c2), Vector256.Create((ulong)c3));
            var (m0, m1) = (Vector256.Create((ulong)M0).AsUInt32(), Vector256.Create((ulong)M1).AsUInt32());
            for (var round = 0; round < Rounds; round++)
            {
                var p0 = Avx2.Multiply(m0, x0.AsUInt32());
                var p1 = Avx2.Multiply(m1, x2.AsUInt32());
                (x0, x1, x2, x3) = ((p1 >>> 32) ^ x1 ^ Vector256.Create((ulong)k0), p1, (p0 >>> 32) ^ x3 ^ Vector256.Create((ulong)k1), p0);
                k0 += W0;
                k1 += W1;
            }
            Span<ulong> lanes = stackalloc ulong[Words.Count];
            x0.CopyTo(lanes);
            x1.CopyTo(lanes[4..]);
            x2.CopyTo(lanes[8..]);
            x3.CopyTo(lanes[12..]);
            for (var i = 0; i < Words.Count; i++)
                words[i] = (uint)lanes[(i & 3) * 4 + (i >> 2)];
        }
        else
        {
            for (var i = 0; i < 4; i++)
                (words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]) = Block(c0 + (uint)i, c1, c2, c3, k0, k1);
        }
    }

    /// <summary>The words of four blocks.</summary>
    [InlineArray(Count)]
    public struct Words
    {
        /// <summary>Number of words.</summary>
        public const int Count = 16;

        private uint first;
    }
}
