namespace Patchwork.Models;

/// <summary>The first layers of a ResNet-18, 34 or 50, which determine the resolution of the features that the stages get.</summary>
public enum Stem
{
    /// <summary>A 3×3 convolution without pooling, for small images: the first stage works at full resolution.</summary>
    Small,

    /// <summary>
    /// The published stem (He et al. 2016, table 1): a 7×7 convolution with stride 2 and max-pooling, so that the first stage gets a
    /// quarter of the rows and columns. This takes an eighth of the time and memory.
    /// </summary>
    ImageNet,
}
