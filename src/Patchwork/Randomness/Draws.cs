namespace Patchwork.Randomness;

/// <summary>
/// The random values of one stream, read in order. Not thread-safe: each thread opens its own streams, which costs nothing.
/// </summary>
public sealed class Draws
{
    private readonly uint key0, key1, index, epoch, purpose;
    private uint block;
    private Philox4x32.Words words;
    private int used = Philox4x32.Words.Count;

    internal Draws(StreamId id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id.Epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(id.Index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Epoch, uint.MaxValue);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(id.Index, uint.MaxValue);
        Id = id;
        (key0, key1) = ((uint)id.Seed, (uint)(id.Seed >> 32));
        (index, epoch, purpose) = ((uint)id.Index, (uint)id.Epoch, Hash(id.Purpose));
    }

    /// <summary>The stream's address.</summary>
    public StreamId Id { get; }

    /// <summary>32 uniform bits.</summary>
    public uint NextUInt32()
    {
        if (used == Philox4x32.Words.Count)
        {
            Philox4x32.Blocks(block, index, epoch, purpose, key0, key1, ref words);
            block += Philox4x32.Words.Count / 4;
            used = 0;
        }
        return words[used++];
    }

    /// <summary>64 uniform bits, the lower word drawn first.</summary>
    public ulong NextUInt64() => NextUInt32() | (ulong)NextUInt32() << 32;

    /// <summary>Uniform on [0, 1) with 53 bits.</summary>
    public double Uniform() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform on [<paramref name="low"/>, <paramref name="high"/>).</summary>
    public double Uniform(double low, double high) => low + (high - low) * Uniform();

    /// <summary>True with the given probability, 0 to 1.</summary>
    public bool Bernoulli(double probability) => Uniform() < probability;

    /// <summary>
    /// An integer uniform on [0, <paramref name="exclusive"/>), without bias (Lemire, "Fast Random Integer Generation in an Interval",
    /// 2019).
    /// </summary>
    public int Integer(int exclusive)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusive);
        var range = (uint)exclusive;
        var product = (ulong)NextUInt32() * range;
        if ((uint)product < range)
        {
            var threshold = (0u - range) % range;      // 2^32 mod range: the draws that would favour small values
            while ((uint)product < threshold)
                product = (ulong)NextUInt32() * range;
        }
        return (int)(product >> 32);
    }

    /// <summary>
    /// A standard normal value (Box and Muller 1958; only the cosine branch, so that every draw consumes the same number of bits).
    /// </summary>
    public double Normal()
    {
        var radius = NormalRadius();
        return radius * Math.Cos(2 * Math.PI * Uniform());
    }

    /// <summary>
    /// Fills a span with standard normal values, using both branches of each pair of uniforms: twice as fast as single draws, but with
    /// different values.
    /// </summary>
    public void Normals(Span<double> values)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            var radius = NormalRadius();
            var (sine, cosine) = Math.SinCos(2 * Math.PI * Uniform());
            values[i] = radius * cosine;
            if (i + 1 < values.Length)
                values[i + 1] = radius * sine;
        }
    }

    private double NormalRadius() => Math.Sqrt(-2 * Math.Log(1 - Uniform()));      // 1 - u is in (0, 1]

    /// <summary>A random permutation of 0 … <paramref name="count"/> - 1 (Fisher and Yates), every order equally likely.</summary>
    public int[] Permutation(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var order = new int[count];
        for (var i = 0; i < count; i++)
        {
            var j = Integer(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
        return order;
    }

    /// <summary>Beta(<paramref name="a"/>, <paramref name="b"/>) on [0, 1]; see <see cref="BetaSampler"/>.</summary>
    public double Beta(double a, double b) => BetaSampler.Draw(this, a, b);

    /// <summary>Poisson(<paramref name="rate"/>), rate at least 0; see <see cref="PoissonSampler"/>.</summary>
    public long Poisson(double rate) => PoissonSampler.Draw(this, rate);

    // FNV-1a of the purpose's characters. Purposes are few and fixed; a test checks that no two in use collide.
    internal static uint Hash(string purpose)
    {
        var hash = 2166136261u;
        foreach (var character in purpose)
            hash = (hash ^ character) * 16777619u;
        return hash;
    }
}
