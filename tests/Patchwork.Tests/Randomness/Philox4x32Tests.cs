using CsCheck;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Randomness;

public sealed class Philox4x32Tests
{
    // From kat_vectors of Random123, the lines "philox4x32 10".
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0xa4093822u, 0x299f31d0u,
        0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Blocks_match_the_authors_known_answers(
        uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal((x0, x1, x2, x3), Philox4x32.Block(c0, c1, c2, c3, k0, k1));

    [Fact]
    public void Four_blocks_at_once_equal_those_of_four_counters() => Gen.UInt.Array[6].Sample(values =>
    {
        var (c0, c1, c2, c3, k0, k1) = (values[0], values[1], values[2], values[3], values[4], values[5]);
        var words = new Philox4x32.Words();
        foreach (var first in (uint[])[c0, uint.MaxValue - 1])      // counters wrap around
        {
            Philox4x32.Blocks(first, c1, c2, c3, k0, k1, ref words);
            for (var i = 0; i < 4; i++)
                Assert.Equal(Philox4x32.Block(first + (uint)i, c1, c2, c3, k0, k1),
                    (words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]));
        }
    });
}
