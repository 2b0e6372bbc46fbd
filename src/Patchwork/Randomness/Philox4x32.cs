namespace Patchwork.Randomness;

/// <summary>
/// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011): a
/// block cipher on a 128-bit counter. Any draw can be computed without the ones before it, so a draw depends on what it is for and never on
/// who asks for it or when.
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
}
