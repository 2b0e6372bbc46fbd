using Patchwork.Models;
using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// A mixer whose masks come from a network that is trained beside the classifier. The training loop keeps and trains the network, which is
/// a part of checkpoints, and gives it to <c>Plan</c> as <see cref="MixContext.Masks"/>. It needs one rank and no gradient accumulation.
/// </summary>
public interface ITrainedMixer : IMethod
{
    /// <summary>
    /// Whether the classifier is also trained on the clean images, as with <see cref="CleanHalf"/>. Default true, as in the paper.
    /// </summary>
    bool TrainsOnCleanImages { get; }

    /// <summary>Adam's learning rate for the masks at the classifier's highest.</summary>
    double MaskRate { get; }

    /// <summary>Creates the network that learns the masks for a classifier. The caller owns it.</summary>
    /// <exception cref="InputException">The classifier does not have the stage that the masks are computed from.</exception>
    MaskNetwork CreateMasks(ImageClassifier classifier);
}
