using System.Text;
using Patchwork.Randomness;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>Damages valid inputs at random, in the same way on every machine, and checks how a reader handles them.</summary>
internal static class Mutation
{
    /// <summary>Number of damaged inputs per reader.</summary>
    public static readonly int Inputs = Lane.Count(full: 100_000, shortened: 5_000);

    /// <summary>
    /// Passes damaged copies of valid inputs to <paramref name="read"/>. It must accept an input or reject it with
    /// <typeparamref name="TRefusal"/>; any other exception, or allocating more than <paramref name="mostBytes"/>, fails the test and
    /// prints the input.
    /// </summary>
    /// <param name="purpose">Name of the stream of draws.</param>
    /// <param name="count">Number of inputs.</param>
    /// <param name="valid">The valid inputs to damage.</param>
    /// <param name="words">Tokens that mean something in the format, written over or between its bytes.</param>
    /// <param name="mostBytes">Maximum number of managed bytes that reading one input may allocate.</param>
    /// <param name="read">The reader.</param>
    /// <returns>The number of rejected inputs.</returns>
    public static int Refused<TRefusal>(string purpose, int count, byte[][] valid, byte[][] words, long mostBytes, Action<byte[]> read)
        where TRefusal : Exception
    {
        Assert.All(valid, read);
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var input = Damaged(valid, words, new SeedStream(1).Open(purpose, 0, i));
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(input);
            }
            catch (TRefusal)
            {
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"Input {i} of '{purpose}' ended in {error}\n"
                    + $"{Convert.ToBase64String(input)}\n{Encoding.UTF8.GetString(input)}");
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= mostBytes, $"Input {i} of '{purpose}' took {allocated} bytes.\n{Convert.ToBase64String(input)}");
        }
        return refused;
    }

    private static byte[] Damaged(byte[][] valid, byte[][] words, Draws draws)
    {
        byte[] bytes = valid[draws.Integer(valid.Length)];
        for (var left = draws.Bernoulli(0.5) ? 1 : 2 + draws.Integer(3); left > 0; left--)
        {
            var at = draws.Integer(bytes.Length + 1);
            var end = Math.Min(bytes.Length, at + 1 + draws.Integer(draws.Bernoulli(0.5) ? 4 : bytes.Length + 1));
            bytes = draws.Integer(9) switch
            {
                0 => [.. bytes[..at], (byte)draws.Integer(256), .. bytes[Math.Min(at + 1, bytes.Length)..]],
                1 => Flipped(bytes, at, draws.Integer(8)),
                2 => bytes[..at],
                3 => [.. bytes[..at], .. bytes[end..]],                                             // a part is removed
                4 => [.. bytes[..end], .. bytes[at..]],                                             // or repeated
                5 => [.. bytes[..at], .. valid[draws.Integer(valid.Length)] is var other ? other[draws.Integer(other.Length)..] : []],
                6 when words.Length > 0 => Over(bytes, at, at, words[draws.Integer(words.Length)]),
                7 when words.Length > 0 => words[draws.Integer(words.Length)] is var word ? Over(bytes, at, at + word.Length, word) : [],
                8 when words.Length > 0 => OverValue(bytes, at, words[draws.Integer(words.Length)]),
                _ => [.. bytes[..at], (byte)draws.Integer(256), .. bytes[at..]],
            };
        }
        return bytes;
    }

    private static byte[] Over(byte[] bytes, int at, int end, byte[] word) =>
        [.. bytes[..at], .. word, .. bytes[Math.Min(end, bytes.Length)..]];

    // Replaces a whole JSON value if the bytes are JSON.
    private static byte[] OverValue(byte[] bytes, int at, byte[] word)
    {
        var stop = bytes.AsSpan(at).IndexOfAny(",}]"u8);
        return Over(bytes, bytes.AsSpan(0, at).LastIndexOfAny("{:[,"u8) + 1, stop < 0 ? bytes.Length : at + stop, word);
    }

    private static byte[] Flipped(byte[] bytes, int at, int bit)
    {
        var copy = (byte[])bytes.Clone();
        if (at < copy.Length)
            copy[at] ^= (byte)(1 << bit);
        return copy;
    }
}
