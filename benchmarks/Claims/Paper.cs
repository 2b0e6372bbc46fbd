using System.Globalization;

namespace Patchwork.Claims;

/// <summary>The claims of Yun et al. (ICCV 2019) and the measurements that test them here, in the paper's order.</summary>
public static class Paper
{
    /// <summary>All claims that are tested by numbers.</summary>
    public static IReadOnlyList<Claim> Claims { get; } =
    [
        .. OnCifar("CIFAR-10", "cifar10-full", baseline: "3.85", mixup: "3.09", cutMix: "2.88"),
        .. OnCifar("CIFAR-100", "cifar100-full", baseline: "16.45", mixup: "15.63", cutMix: "14.47"),
        .. WithoutCrop("CIFAR-10", "cifar10-full-plain"),
        .. WithoutCrop("CIFAR-100", "cifar100-full-plain"),
        new("fewer errors than the baseline (photographs)", "ImageNet: 23.68 to 21.40 %", "clothing-seeds"),
        new("fewer errors than the baseline, half of the batches mixed (photographs)", "the paper's probability on CIFAR", "clothing-seeds")
        {
            Method = Half,
        },
        new("fewer errors than Cutout (photographs)", "ImageNet: 22.93 to 21.40 %", "clothing-seeds") { Against = "cutout" },
        new("fewer errors than Mixup (photographs)", "ImageNet: 22.58 to 21.40 %", "clothing-seeds") { Against = "mixup" },
        new("fewer errors than Mixup, half of the batches mixed (photographs)", "the paper's probability on CIFAR", "clothing-seeds")
        {
            Method = Half,
            Against = "mixup",
        },
        new("fewer errors than the baseline with α = 0.25", "figure 3", "clothing-dose") { Method = Dose(0.25) },
        new("fewer errors than the baseline with α = 1, here the best of twelve doses", "figure 3: the best α", "clothing-dose")
        {
            Method = Dose(1),
        },
        new("fewer errors than the baseline with α = 4", "figure 3", "clothing-dose") { Method = Dose(4) },
        new("fewer errors at the input than at the first stage", "figure 3", "clothing-hidden")
        {
            Against = "featurecutmix:layers=layer1",
        },
        new("fewer errors at the input than at the last stage", "figure 3", "clothing-hidden") { Against = "featurecutmix:layers=layer3" },
        new("Cutout with label smoothing is better than Cutout", "16.53 to 15.61 %", "clothing-stacks")
        {
            Method = "cutout+labelsmoothing",
            Against = "cutout",
        },
        new("DropBlock with label smoothing is better than DropBlock", "15.73 to 15.16 %", "clothing-stacks")
        {
            Method = "dropblock+labelsmoothing",
            Against = "dropblock",
        },
        new("Mixup with Cutout is better than Mixup", "15.63 to 15.46 %", "clothing-stacks")
        {
            Method = "mixup+cutout",
            Against = "mixup",
        },
        new("Manifold Mixup with Cutout is better than Manifold Mixup", "16.14 to 15.09 %", "clothing-stacks")
        {
            Method = "manifoldmixup+cutout",
            Against = "manifoldmixup",
        },
        .. Beyond("photographs", "clothing-beyond", "cutmix"),
        .. Beyond("CIFAR-10, half of the batches", "cifar10-full-beyond", Half),
        .. Beyond("CIFAR-100, half of the batches", "cifar100-full-beyond", Half),
        new("fewer errors than the baseline, fine-tuned (Tiny-ImageNet)", "no number", Pretrained),
        new("class and box right, fine-tuned (Tiny-ImageNet)", "CUB: 49.41 to 54.81 %", Pretrained, "localization.top1_localization")
        {
            LowerIsBetter = false,
        },
        new("localizes better by MaxBoxAccV2, fine-tuned (Tiny-ImageNet)", "CUB, ResNet-50: -0.2 points (Choe et al. 2020)", Pretrained,
            "localization.max_box_acc_v2")
        {
            LowerIsBetter = false,
        },
    ];

    private const string Pretrained = "tinyimagenet-pretrained";

    private const string Half = "cutmix:probability=0.5";      // the paper's dose on CIFAR

    // On CIFAR the paper mixes half of the batches; these numbers are of PyramidNet-200 (tables 5 and 7).
    private static IEnumerable<Claim> OnCifar(string data, string experiment, string baseline, string mixup, string cutMix) =>
    [
        new($"fewer errors than the baseline, half of the batches mixed ({data})", $"{baseline} to {cutMix} %", experiment)
        {
            Method = Half,
        },
        new($"fewer errors than Mixup, half of the batches mixed ({data})", $"{mixup} to {cutMix} %", experiment)
        {
            Method = Half,
            Against = "mixup",
        },
        new($"fewer errors than the baseline, every batch mixed ({data})", "not measured", experiment),
        new($"fewer errors than Mixup, every batch mixed ({data})", "not measured", experiment) { Against = "mixup" },
    ];

    private static IEnumerable<Claim> WithoutCrop(string data, string experiment) =>
    [
        new($"fewer errors than the baseline, without crop and flip ({data})", "not measured", experiment) { Method = Half },
        new($"the same, every batch mixed ({data})", "not measured", experiment),
    ];

    private static IEnumerable<Claim> Beyond(string data, string experiment, string method) =>
        from claim in (Claim[])
        [
            new($"resists FGSM of 8/255 ({data})", "ImageNet: error 91.8 to 69.0 %", experiment, "adversarial.fgsm_error"),
            new($"resists a covered centre ({data})", "figure 5(a)", experiment, "occlusion.centre_black_error"),
            new($"resists interpolated images, pasted ({data})", "figure 5(b)", experiment, "inbetween.cutmix_error"),
            new($"detects other images ({data}): AUROC", "87.3 to 94.4 %", experiment, "ood.mean_msp_auroc") { LowerIsBetter = false },
            new($"resists corruptions ({data})", "no number", experiment, "corruption.mean_corruption_error"),
        ]
        select claim with { Method = method };

    // The paper's figure 3 is on CIFAR-100, where half of the batches are mixed, with λ from Beta(α, α).
    private static string Dose(double alpha) =>
        string.Create(CultureInfo.InvariantCulture, $"cutmix:alpha={alpha}:probability=0.5");
}
