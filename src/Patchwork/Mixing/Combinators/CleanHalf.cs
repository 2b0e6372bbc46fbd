using Patchwork.Plans;
using Patchwork.Randomness;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Keeps the clean images in the loss along with the mixed ones: the network sees 2N rows in one pass, and the mean over all of them is
/// <c>½·L(f(x), y) + ½·(λ·L(f(x̃), y_a) + (1-λ)·L(f(x̃), y_b))</c>. With <see cref="Mixup"/> this is RegMixup (Pinto et al.,
/// NeurIPS 2022, arXiv 2206.14502); with any other mixer it is a natural variant that is not in the paper. With a loss that sums over the
/// batch, a mixed batch counts twice.
/// </summary>
/// <param name="Mixer">
/// The mixer that produces the mixed half. RegMixup's code uses Mixup with α = 20 on CIFAR-10 and 10 on CIFAR-100.
/// </param>
/// <example><code>
/// var both = new CleanHalf(new Mixup { Alpha = 20 }).Mix(batch, seeds.Open("mix", epoch, step));
/// using var loss = both.Targets!.Loss(model.call(both.Images), new CrossEntropy());
/// </code></example>
public sealed record CleanHalf(Mixer Mixer)
{
    /// <summary>
    /// Plans and mixes in one call. The batch is not changed; the caller owns the new images, labels and targets.
    /// </summary>
    /// <param name="batch">The batch, of N images.</param>
    /// <param name="draws">The stream of the random draws.</param>
    /// <param name="model">The network, for mixers whose plans depend on it; it is left unchanged.</param>
    /// <returns>See <see cref="Mix(Batch, MixPlan)"/>.</returns>
    /// <exception cref="InvalidOperationException">The batch is already mixed, or the mixer needs a network and none is given.</exception>
    public Batch Mix(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model = null) =>
        Mix(batch, Mixer.PlanFor(batch, draws, model));

    /// <summary>Mixes a batch of N images by an existing plan of the mixer.</summary>
    /// <returns>
    /// 2N rows: the mixed images, then the same images unmixed, with a plan and targets for all of them. When the plan changes no pixel,
    /// the N rows unchanged, because a second, equal half would not change the mean loss.
    /// </returns>
    /// <exception cref="InvalidOperationException">The batch is already mixed.</exception>
    public Batch Mix(Batch batch, MixPlan plan)
    {
        if (!plan.ChangesPixels || batch.Plan is not null)
            return Mixer.Mix(batch, plan);      // which rejects a batch that is already mixed
        var both = Beside(plan);
        var images = cat([batch.Images, batch.Images]);
        Mixer.ApplyInPlace(images, both);
        var masks = batch.Masks is { } own ? cat([own, own]) : null;
        using (var planes = masks?.unsqueeze(1))      // (2N, 1, H, W)
        {
            if (planes is not null)
                Mixer.ApplyInPlace(planes, both);
        }
        return Mixer.Mixed(batch with
        {
            Labels = cat([batch.Labels, batch.Labels]),
            Ids = [.. batch.Ids, .. batch.Ids],
            Objects = batch.Objects is { } objects ? [.. objects, .. objects] : null,
            Erased = [.. batch.Erased.Select(Twice)],
            HasCleanHalf = true,
        }, both, images, masks);
    }

    // Partners come from the clean half, which never changes.
    private static MixPlan Beside(MixPlan plan)
    {
        var count = plan.Images.Count;
        return Of(plan, [.. plan.Images.Select((image, i) => image.Partner == i ? image : image with { Partner = image.Partner + count }),
            .. MixPlan.Identity(plan.Method, count, plan.Height, plan.Width, plan.Stream).Images.Select((image, i) =>
                image with { Partner = i + count })]);
    }

    private static MixPlan Twice(MixPlan plan) => Of(plan, [.. plan.Images,
        .. plan.Images.Select(image => image with { Partner = image.Partner + plan.Images.Count })]);

    private static MixPlan Of(MixPlan plan, ImagePlan[] images) => new(plan.Method, plan.Height, plan.Width, images, plan.Stream);
}
