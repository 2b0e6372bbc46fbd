using CsCheck;
using Patchwork.Internals;
using Xunit;

namespace Patchwork.Tests.Internals;

public sealed class Crc32CTests
{
    public static TheoryData<byte[], uint> KnownAnswers => new()
    {
        // RFC 3720, B.4
        { new byte[32], 0x8a9136aa },
        { Enumerable.Repeat((byte)0xff, 32).ToArray(), 0x62a8ab43 },
        { Enumerable.Range(0, 32).Select(i => (byte)i).ToArray(), 0x46dd794e },
        { Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray(), 0x113fdb5c },
        // The check value of the CRC catalogue
        { "123456789"u8.ToArray(), 0xe3069283 },
        { [], 0 },
    };

    [Theory, MemberData(nameof(KnownAnswers))]
    public void Checksums_match_the_standard(byte[] bytes, uint expected)
    {
        Assert.Equal(expected, Crc32C.Compute(bytes));
        Assert.Equal(expected, Crc32C.ComputeByTable(bytes));
    }

    [Fact]
    public void The_CPU_instruction_and_the_table_agree() =>
        Gen.Byte.Array[0, 100].Sample(bytes => Crc32C.Compute(bytes) == Crc32C.ComputeByTable(bytes));
}
