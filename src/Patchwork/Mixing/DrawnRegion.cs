using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>What one draw decides: a region and the weights that go with it.</summary>
/// <param name="Region">The region that shows the partner.</param>
/// <param name="Lambda">λ as drawn, in [0, 1].</param>
/// <param name="Label">λ of the label: the weight of the image's own label, in [0, 1].</param>
public sealed record DrawnRegion(Region Region, double Lambda, double Label);
