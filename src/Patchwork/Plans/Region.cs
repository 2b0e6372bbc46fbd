namespace Patchwork.Plans;

/// <summary>What a plan replaces in one image by its partner's content. A closed set: a plan is data, and every reader knows all of them.</summary>
public abstract record Region
{
    private protected Region() { }

    /// <summary>The share of the image that stays its own, 0 to 1, counted in pixels: the measured λ.</summary>
    public abstract double KeptShare(int height, int width);

    /// <summary>True when no pixel changes.</summary>
    public abstract bool IsEmpty { get; }
}

/// <summary>The partner's pixels replace the image's own inside one box.</summary>
public sealed record BoxRegion(Box Box) : Region
{
    /// <summary>The region that changes nothing.</summary>
    public static BoxRegion Empty { get; } = new(Box.Empty);

    /// <inheritdoc/>
    public override bool IsEmpty => Box.IsEmpty;

    /// <inheritdoc/>
    public override double KeptShare(int height, int width) => 1 - (double)Box.Area / ((long)height * width);
}
