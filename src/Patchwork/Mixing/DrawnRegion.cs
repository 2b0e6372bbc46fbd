using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>The result of one draw: a region and its λ values.</summary>
/// <param name="Region">The region in which the partner appears.</param>
/// <param name="Lambda">λ as drawn, in [0, 1].</param>
/// <param name="Label">λ of the label: the weight of the image's own label, in [0, 1].</param>
public sealed record DrawnRegion(Region Region, double Lambda, double Label);
