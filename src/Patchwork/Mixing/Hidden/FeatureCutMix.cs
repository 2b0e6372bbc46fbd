using Patchwork.Plans;

namespace Patchwork.Mixing;

/// <summary>
/// Feature CutMix (Yun et al., ICCV 2019, table 3 and figure 3): CutMix on the map of features that a layer puts out. The box is drawn in
/// the map's own size H'×W', and λ' = 1 - box/(H'·W').
/// </summary>
public sealed record FeatureCutMix : FeatureMixer
{
    private static readonly CutMix boxes = new();

    /// <inheritdoc/>
    /// <remarks>Default 1, as CutMix.</remarks>
    public override double Alpha { get; init => field = Options.Alpha(value); } = 1;

    /// <inheritdoc/>
    public override string Id => "featurecutmix";

    /// <summary>The end of the first stage. The paper does not name its layer.</summary>
    protected override IReadOnlyList<string> LayersAmong(IReadOnlyList<string> stages) => [stages[0]];

    /// <inheritdoc/>
    protected override DrawnRegion Draw(MixContext context)
    {
        var (lambda, box) = BoxSampler.Draw(boxes, Alpha, context.Height, context.Width, context.Draws);
        var region = new BoxRegion(box);
        return new DrawnRegion(region, lambda, region.KeptShare(context.Height, context.Width));
    }
}
