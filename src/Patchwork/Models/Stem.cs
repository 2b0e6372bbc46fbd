namespace Patchwork.Models;

/// <summary>The first layers of a ResNet-18, 34 or 50, which decide how large the image is that the stages see.</summary>
public enum Stem
{
    /// <summary>A 3×3 convolution without pooling, for small images: the first stage sees every pixel.</summary>
    Small,

    /// <summary>
    /// The published one (He et al. 2016, table 1): a 7×7 convolution with stride 2 and max-pooling, so that the first stage sees a quarter
    /// of the rows and columns; an eighth of the work and memory.
    /// </summary>
    ImageNet,
}
