using Patchwork.Models;
using Patchwork.Tests.Support;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Models;

public sealed class ModelZooTests
{
    public static TheoryData<string> Ids => [.. ModelZoo.Ids];

    // Published or computed counts; resnet8 is counted by hand: 432 (stem) + 32 + 4,672 (stage 1) + 14,528 (2) + 57,728 (3) + fc.
    [Theory]
    [InlineData("resnet8", 78_042, 83_892)]
    [InlineData("resnet20", 272_474, 278_324)]
    [InlineData("resnet32", 466_906, 472_756)]
    [InlineData("resnet44", 661_338, 667_188)]
    [InlineData("resnet56", 855_770, 861_620)]
    [InlineData("resnet110", 1_730_714, 1_736_564)]
    [InlineData("resnet110bottleneck", 1_147_738, 1_170_868)]
    [InlineData("resnet18", 11_173_962, 11_220_132)]
    [InlineData("preactresnet18", 11_171_146, 11_217_316)]
    [InlineData("wrn-16-4", 2_748_890, 2_772_020)]
    [InlineData("wrn-16-8", 10_961_370, 11_007_540)]
    [InlineData("wrn-28-2", 1_467_610, 1_479_220)]
    [InlineData("wrn-28-8", 23_354_842, 23_401_012)]
    [InlineData("wrn-28-10", 36_479_194, 36_536_884)]
    [InlineData("wrn-40-2", 2_243_546, 2_255_156)]
    [InlineData("resnext29-32x4d", 4_775_754, 4_868_004)]
    [InlineData("resnext29-4x24d", 4_845_002, 4_937_252)]
    [InlineData("resnext29-4x64d", 17_562_442, 17_654_692)]
    [InlineData("resnext29-8x64d", 34_426_698, 34_518_948)]
    [InlineData("resnext29-16x64d", 68_155_210, 68_247_460)]
    [InlineData("pyramidnet110-a48", 1_772_706, 1_778_556)]
    [InlineData("pyramidnet110-a64", 1_696_410, 1_725_300)]
    [InlineData("pyramidnet110-a84", 3_904_446, 3_913_536)]
    [InlineData("pyramidnet110-a270", 28_485_477, 28_511_307)]
    [InlineData("pyramidnet164-a48", 1_715_442, 1_738_572)]
    [InlineData("pyramidnet164-a270", 27_216_021, 27_319_071)]
    [InlineData("pyramidnet200-a240", 26_752_702, 26_844_952)]
    [InlineData("pyramidnet272-a200", 26_210_842, 26_288_692)]
    [InlineData("vit-tiny", 5_362_762, 5_380_132)]      // timm's vit_tiny_patch4 at 32 px: 64 patches of 48 values
    [InlineData("vit-small", 21_342_346, 21_376_996)]
    [InlineData("cct-2-3x2", 283_723, 295_333)]
    public void Parameter_counts_match_the_published_ones(string id, long ten, long hundred)
    {
        foreach (var (classes, expected) in new[] { (10, ten), (100, hundred) })
        {
            using var model = ModelZoo.Create(id, classes);
            Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
        }
    }

    [Theory, MemberData(nameof(Ids))]
    public void Any_channels_and_sides_give_one_row_of_logits_per_image(string id)
    {
        if (id.StartsWith("resnext29", StringComparison.Ordinal) || id is "wrn-28-10" or "wrn-28-8" or "resnet50" || id.Contains("-a2", StringComparison.Ordinal))
            Lane.NeedFull("a large network");
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var model = ModelZoo.Create(id, classes: 7, channels: 1, imageSize: 28);
        model.eval();
        Assert.Equal([3, 7], model.call(rand(3, 1, 28, 20)).shape);
        Assert.Equal((id, 7, 1), (model.Id, model.Classes, model.Channels));
    }

    [Fact]
    public void Large_images_get_the_published_stem()
    {
        using var small = ModelZoo.Create("resnet18", 1000, imageSize: 63);
        using var large = ModelZoo.Create("resnet18", 1000, imageSize: 64);
        Assert.Equal([64, 3, 3, 3], small.state_dict()["conv1.weight"].shape);
        Assert.Equal([64, 3, 7, 7], large.state_dict()["conv1.weight"].shape);
    }

    [Theory, InlineData("resnet18", 11_689_512), InlineData("resnet34", 21_797_672), InlineData("resnet50", 25_557_032)]
    public void Networks_for_photographs_have_torchvisions_parameter_counts(string id, long expected)
    {
        using var model = ModelZoo.Create(id, 1000, imageSize: 224);
        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Theory, InlineData("resnet34", 21_328_292), InlineData("resnet50", 23_705_252)]
    public void The_small_stem_changes_the_parameter_count(string id, long expected)
    {
        using var model = ModelZoo.Create(id, 100);
        Assert.Equal(expected, model.parameters().Sum(parameter => parameter.numel()));
    }

    [Fact]
    public void Convolutions_are_initialized_normally_with_the_fan_out_standard_deviation()
    {
        using var scope = NewDisposeScope();
        new Patchwork.Randomness.SeedStream(1).SeedTorch("test");
        using var model = ModelZoo.Create("resnet18", 10);
        var big = model.named_modules().Select(pair => pair.module).OfType<Conv2d>().Where(conv => conv.weight!.numel() > 100_000).ToList();
        Assert.NotEmpty(big);
        foreach (var weight in big.Select(conv => conv.weight!))
        {
            var deviation = Math.Sqrt(2.0 / (weight.size(0) * weight.size(2) * weight.size(3)));
            Assert.Equal(1, weight.std().ToDouble() / deviation, 0.02);
            Assert.Equal(3, (weight / deviation).pow(4).mean().ToDouble(), 0.15);       // kurtosis of the normal distribution; uniform: 1.8
        }
        Assert.All(model.named_modules().Select(pair => pair.module).OfType<BatchNorm2d>(), norm =>
        {
            Assert.Equal((1.0, 1.0), (norm.weight!.min().ToDouble(), norm.weight!.max().ToDouble()));
            Assert.Equal((0.0, 0.0), (norm.bias!.min().ToDouble(), norm.bias!.max().ToDouble()));
        });
    }

    [Fact]
    public void The_guide_names_every_network()
    {
        var row = File.ReadLines(Repository.File("docs/guide/recipes.md"))
            .Single(line => line.StartsWith("| `model` |", StringComparison.Ordinal));
        Assert.EndsWith($"Model: {string.Join(", ", ModelZoo.Ids.Select(id => $"`{id}`"))}. |", row, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_name_is_rejected_and_the_nearest_one_suggested()
    {
        var error = Assert.Throws<InputException>(() => ModelZoo.Create("resnet-20", 10));
        Assert.Contains("'resnet-20'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'resnet20'", error.Message, StringComparison.Ordinal);
    }
}
