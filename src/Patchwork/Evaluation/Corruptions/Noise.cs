using Patchwork.Randomness;

namespace Patchwork.Evaluation;

// As in make_cifar_c.py, every value of every channel has its own draw.

/// <summary><c>gaussian_noise</c>: x + N(0, sd).</summary>
public sealed record GaussianNoise : Corruption
{
    private static readonly double[] Deviation = [0.04, 0.06, 0.08, 0.09, 0.10];

    /// <inheritdoc/>
    public override string Id => "gaussian_noise";

    internal override void Corrupt(Planes x, int severity, Draws draws) => Add(x, severity, Normals(draws, x.Values.Length));

    /// <summary>Adds noise from standard normal <paramref name="z"/>, one per value.</summary>
    internal static void Add(Planes x, int severity, ReadOnlySpan<double> z)
    {
        for (var i = 0; i < x.Values.Length; i++)
            x.Values[i] += Deviation[severity - 1] * z[i];
    }

    internal static double[] Normals(Draws draws, int count)
    {
        var z = new double[count];
        draws.Normals(z);
        return z;
    }
}

/// <summary><c>speckle_noise</c> (extra): x + x · N(0, c).</summary>
public sealed record SpeckleNoise : Corruption
{
    private static readonly double[] Deviation = [0.06, 0.1, 0.12, 0.16, 0.2];

    /// <inheritdoc/>
    public override string Id => "speckle_noise";

    /// <inheritdoc/>
    public override bool Main => false;

    internal override void Corrupt(Planes x, int severity, Draws draws) =>
        Multiply(x, severity, GaussianNoise.Normals(draws, x.Values.Length));

    internal static void Multiply(Planes x, int severity, ReadOnlySpan<double> z)
    {
        for (var i = 0; i < x.Values.Length; i++)
            x.Values[i] += x.Values[i] * (Deviation[severity - 1] * z[i]);
    }
}

/// <summary><c>shot_noise</c>: Poisson(x · c) / c, photon-counting noise.</summary>
public sealed record ShotNoise : Corruption
{
    private static readonly double[] Light = [500, 250, 100, 75, 50];

    /// <inheritdoc/>
    public override string Id => "shot_noise";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var counts = new double[x.Values.Length];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = draws.Poisson(x.Values[i] * Light[severity - 1]);
        Count(x, severity, counts);
    }

    /// <summary>Sets the values from photon <paramref name="counts"/>, one per value.</summary>
    internal static void Count(Planes x, int severity, ReadOnlySpan<double> counts)
    {
        for (var i = 0; i < counts.Length; i++)
            x.Values[i] = counts[i] / Light[severity - 1];
    }
}

/// <summary><c>impulse_noise</c>: salt-and-pepper noise, half each.</summary>
public sealed record ImpulseNoise : Corruption
{
    private static readonly double[] Amount = [0.01, 0.02, 0.03, 0.05, 0.07];

    /// <inheritdoc/>
    public override string Id => "impulse_noise";

    internal override void Corrupt(Planes x, int severity, Draws draws)
    {
        var (flip, salt) = (new double[x.Values.Length], new double[x.Values.Length]);
        foreach (var dice in (double[][])[flip, salt])
        {
            foreach (ref var one in dice.AsSpan())
                one = draws.Uniform();
        }
        Flip(x, severity, flip, salt);
    }

    /// <summary>Sets values to 0 or 1 by two uniform draws from [0, 1) per value: whether to change it, and to which of the two.</summary>
    internal static void Flip(Planes x, int severity, ReadOnlySpan<double> flip, ReadOnlySpan<double> salt)
    {
        for (var i = 0; i < flip.Length; i++)
        {
            if (flip[i] <= Amount[severity - 1])
                x.Values[i] = salt[i] <= 0.5 ? 1 : 0;
        }
    }
}
