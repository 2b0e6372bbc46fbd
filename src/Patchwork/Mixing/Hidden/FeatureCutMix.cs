using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Feature CutMix (Yun et al., ICCV 2019, table 3 and figure 3): CutMix on the feature map that a layer outputs. The box is drawn at
/// the size H'×W' of the map, and λ' = 1 - box/(H'·W').
/// </summary>
public sealed record FeatureCutMix : FeatureMixer
{
    private static readonly CutMix boxes = new();

    /// <inheritdoc/>
    /// <remarks>Default 1, as in CutMix.</remarks>
    public override double Alpha { get; init => field = Options.Alpha(value); } = 1;

    /// <inheritdoc/>
    public override string Id => "featurecutmix";

    /// <summary>The end of the first stage. The paper does not name the layer that it used.</summary>
    protected override IReadOnlyList<string> LayersAmong(IReadOnlyList<string> stages) => [stages[0]];

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context)
    {
        var (lambda, box) = BoxSampler.Draw(boxes, Alpha, context.Height, context.Width, context.Draws);
        var region = new BoxRegion(box);
        return new DrawnRegion(region, lambda, region.KeptShare(context.Height, context.Width));
    }
}
