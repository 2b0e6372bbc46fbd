using Patchwork.Recipes;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Invalid input is rejected before any work starts, with exit code 2 and one sentence.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class BadInputTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static string Refused(params string[] arguments) => CommandLine.Run(arguments).Refusal();

    [Theory]
    [InlineData("train --method cutmx", "'cutmx'", "'cutmix'")]
    [InlineData("train --model resnet9", "'resnet9'", "'resnet8'")]
    [InlineData("train --dataset shaps", "'shaps'", "'shapes'")]
    [InlineData("trian", "'trian'", "'train'")]
    [InlineData("train --schedule cosin", "'cosin'", "'cosine'")]
    [InlineData("train --epoch 3", "'--epoch'", "'--epochs'")]
    [InlineData("compare --methods baseline,cutmx", "'cutmx'", "'cutmix'")]
    public void An_unknown_name_is_rejected_and_the_nearest_one_suggested(string line, string came, string offered)
    {
        var refusal = Refused([.. line.Split(' '), .. line == "trian" ? Array.Empty<string>() : ["--out", files.At("run")]]);
        Assert.Contains(came, refusal, StringComparison.Ordinal);
        Assert.Contains($"Did you mean {offered}?", refusal, StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("run")));
    }

    [Theory]
    [InlineData("plan --alpha 0", "--alpha cannot be 0", "positive")]
    [InlineData("plan --alpha -1", "--alpha cannot be -1", "positive")]
    [InlineData("plan --probability 1.5", "--probability cannot be 1.5", "[0, 1]")]
    [InlineData("plan --probability -0.1", "--probability cannot be -0.1", "[0, 1]")]
    [InlineData("plan --alpha nan", "nan", "number")]
    [InlineData("plan --alpha two", "two", "number")]
    [InlineData("plan --seed -1", "-1", "seed")]
    [InlineData("plan --draws 0", "0", "1 to 1000000")]
    [InlineData("plan --batch many", "many", "--batch must be a whole number")]
    [InlineData("plan --batch 2.5", "2.5", "--batch must be a whole number")]
    [InlineData("plan --batch 65537", "65537", "1 to 65536")]
    [InlineData("plan --height 1025", "1025", "1 to 1024")]
    [InlineData("plan --width 99999999999", "99999999999", "1 to 1024")]
    [InlineData("bench --threads 1025", "1025", "1 to 1024")]
    [InlineData("plan --seed 18446744073709551616", "18446744073709551616", "seed")]
    [InlineData("train --epochs 1.5", "1.5", "whole number")]
    [InlineData("train --epochs 99999999999", "99999999999", "epochs")]
    [InlineData("train --validation nan", "nan", "between 0 and 1")]
    [InlineData("compare --seeds 0", "0 seeds", "at least")]
    public void A_value_outside_its_range_is_rejected_with_the_range(string line, string came, string expected)
    {
        var refusal = Refused(line.Split(' '));
        Assert.Contains(came, refusal, StringComparison.Ordinal);
        Assert.Contains(expected, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("Patchwork.Recipes", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plan --method mixup --placement inside", "placement is an option of cutmix. Received: method mixup.")]
    [InlineData("plan --method mixup --preset timm", "preset is an option of cutmix. Received: method mixup.")]
    [InlineData("plan --method cutout --alpha 0.3", "Received: method cutout.")]
    [InlineData("plan --method mixup-or-fmix --set length=3", "length is an option of cutout. Received: method mixup-or-fmix.")]
    [InlineData("plan --method mixup --set cutmix.margin=0.1", "cutmix.margin is an option of cutmix. Received: method mixup.")]
    [InlineData("plan --set plasement=inside", "Did you mean 'placement'?")]
    [InlineData("plan --set cutmix.plasement=inside", "Unknown option of cutmix 'plasement'. Did you mean 'placement'?")]
    [InlineData("plan --set cutmx.placement=inside", "Unknown method 'cutmx'. Did you mean 'cutmix'?")]
    [InlineData("plan --set baseline.alpha=1", "no options")]
    [InlineData("plan --set placement=insid", "Did you mean 'inside'?")]
    [InlineData("plan --set placement=1", "Unknown value of cutmix.placement '1'.")]
    [InlineData("plan --set margin=wide", "cutmix.margin must be a number. Received: wide.")]
    [InlineData("plan --set margin=0.7", "cutmix.margin cannot be 0.7: margin must lie in [0, 0.5].")]
    [InlineData("plan --set sideRange=0.1", "cutmix.sideRange must be two numbers, for example 0.2,0.8. Received: 0.1.")]
    [InlineData("plan --set sideRange=0.8,0.1", "least ≤ most")]
    [InlineData("plan --set placement", "NAME=VALUE")]
    [InlineData("plan --method mixup-or-cutmix --set alpha=1", "mixup.alpha or cutmix.alpha")]
    [InlineData("plan --set margin=0.1 --set cutmix.margin=0.2", "set only once")]
    [InlineData("train --alpha 0.3 --out {}", "Received: method baseline.")]
    [InlineData("train --clean-tail 3 --out {}", "Received: method baseline.")]
    [InlineData("train --method manifoldmixup --fixed-lambda 0.5 --out {}", "--fixed-lambda is an option of cutmix.")]
    [InlineData("train --method manifoldmixup --scope example --out {}", "Received: method manifoldmixup.")]
    [InlineData("train --method labelsmoothing --strengths alpha/0:1 --out {}", "Unknown strength")]
    [InlineData("train --method shakedrop --set shakedrop.alpha=1,-1 --out {}", "low end not above the high one")]
    [InlineData("train --method shakedrop --set dropProbability=0.2 --strengths dropProbability/step_0:0 --out {}",
        "either fixed or scheduled")]
    [InlineData("train --method manifoldmixup --layers layr1 --out {}", "Did you mean 'layer1'?")]
    [InlineData("train --method manifoldmixup --model wrn-16-4 --layers input,layer1 --out {}", "block1, block2, block3")]
    [InlineData("train --method featurecutmix --layers fc --out {}", "'fc' must output features (N, C, H, W)")]
    [InlineData("train --method featurecutmix --accumulate 2 --out {}", "accumulate = 2")]
    [InlineData("train --method cutmix --label-weight object --resized-crop 0.5 --out {}", "under a resized crop")]
    [InlineData("compare --methods baseline,mixup --placement inside --out {}", "Received: methods baseline, mixup.")]
    [InlineData("compare --methods baseline,mixup --set holes=2 --out {}", "Received: methods baseline, mixup.")]
    [InlineData("compare --methods baseline,cutout --strengths alpha_0:1 --out {}", "needs a method that mixes")]
    [InlineData("compare --methods baseline,manifoldmixup --layers layr1 --out {}", "Did you mean 'layer1'?")]
    [InlineData("compare --methods baseline,featurecutmix --accumulate 2 --out {}", "accumulate = 2")]
    public void Options_that_cannot_work_or_have_no_effect_are_rejected_before_a_folder_is_created(string line, string expected)
    {
        var refusal =
            Refused([.. line.Split(' ').Select(word => word.Replace("{}", files.At("run"), StringComparison.Ordinal).Replace('_', ' '))]);
        Assert.Contains(expected, refusal, StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("run")));
    }

    [Theory]
    [InlineData("plan --set margin=0.7", "0.7")]
    [InlineData("plan --alpha -1", "-1")]
    [InlineData("train --method cutmix --strengths probability/0:7.5 --out {}", "7.5")]
    public void A_rejected_value_is_named_once(string line, string value) =>
        Assert.Equal(2, Refused(line.Replace("{}", files.At("run"), StringComparison.Ordinal).Split(' ')).Split(value).Length);

    [Fact]
    public void Options_that_the_data_set_does_not_support_are_rejected_before_a_folder_is_created()
    {
        files.Paint(perClass: 10);
        foreach (var verb in (string[][])[["train", "--method", "cutmix"], ["compare", "--methods", "baseline,cutmix"]])
            Assert.Contains("--label-weight", Refused([.. verb, "--label-weight", "object", .. files.Flags("run")]), StringComparison.Ordinal);
        Assert.Contains("Choose another image size",
            Refused(["train", "--method", "puzzlemix", .. files.Flags("run"), "--set", "blockCounts=3"]), StringComparison.Ordinal);
        Assert.False(Directory.Exists(files.At("run")));
    }

    [Fact]
    public void Cuda_without_a_GPU_is_rejected()
    {
        if (TorchSharp.torch.cuda.is_available())
            Assert.Skip("This machine has a GPU.");
        Assert.Contains("--device cpu", Refused("train", "--device", "cuda", "--out", files.At("run")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_data_file_is_named()
    {
        var data = Directory.CreateDirectory(files.At("cifar")).FullName;
        Assert.Contains(Path.Combine(data, "batches.meta.txt"),
            Refused("train", "--dataset", "cifar10", "--data", data, "--out", files.At("run")), StringComparison.Ordinal);
        File.WriteAllLines(Path.Combine(data, "batches.meta.txt"), Enumerable.Range(0, 10).Select(i => $"class {i}"));
        var refusal = Refused("train", "--dataset", "cifar10", "--data", data, "--out", files.At("run"));
        Assert.Contains("30730000 bytes", refusal, StringComparison.Ordinal);
        Assert.Contains("patchwork data get cifar10", refusal, StringComparison.Ordinal);
        Assert.Contains("47040016 bytes", Refused("train", "--dataset", "mnist", "--data", data, "--out", files.At("run")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_for_the_embedded_set_is_rejected() =>
        Assert.Contains("--dataset folder", Refused("train", "--data", files.At("pictures"), "--out", files.At("run")),
            StringComparison.Ordinal);

    [Fact]
    public void A_switch_in_a_recipe_is_turned_off_by_false()
    {
        files.Paint(perClass: 10);
        Assert.Equal(0, CommandLine.Run(["train", "--flip", "--quiet", .. files.Flags("mirrored", 1)]).ExitCode);
        Assert.Equal(0, CommandLine.Run("train", Path.Combine(files.At("mirrored"), "recipe.json"), "--flip", "false", "--quiet", "--out",
            files.At("plain")).ExitCode);
        Assert.True(Recipe.FromJson(File.ReadAllText(Path.Combine(files.At("mirrored"), "recipe.json"))).Flip);
        Assert.False(Recipe.FromJson(File.ReadAllText(Path.Combine(files.At("plain"), "recipe.json"))).Flip);
    }

    [Fact]
    public void A_mistyped_flag_gets_a_suggestion_instead_of_a_list_of_all_flags() =>
        Assert.EndsWith("Unknown option '--epoch'. Did you mean '--epochs'?", CommandLine.Run("train", "--epoch", "3").Error.TrimEnd(),
            StringComparison.Ordinal);

    [Fact]
    public void The_largest_seed_is_accepted() =>
        Assert.Equal(0, CommandLine.Run("plan", "--draws", "1", "--seed", "18446744073709551615").ExitCode);

    [Fact]
    public void A_truncated_data_file_is_named_with_both_lengths()
    {
        var data = Directory.CreateDirectory(files.At("cifar")).FullName;
        File.WriteAllLines(Path.Combine(data, "batches.meta.txt"), Enumerable.Range(0, 10).Select(i => $"class {i}"));
        File.WriteAllBytes(Path.Combine(data, "data_batch_1.bin"), new byte[100]);
        var refusal = Refused("train", "--dataset", "cifar10", "--data", data, "--out", files.At("run"));
        Assert.Contains(Path.Combine(data, "data_batch_1.bin"), refusal, StringComparison.Ordinal);
        Assert.Matches(@"\b100\b", refusal);
        Assert.Contains("30730000", refusal.Replace(",", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_image_is_named_and_can_be_skipped()
    {
        files.Paint(perClass: 10);
        var damaged = Path.Combine(files.Pictures, "green", "004.png");
        PictureFiles.Cut(damaged, 0.5);
        Assert.Contains(damaged, Refused(["train", .. files.Flags("run")]), StringComparison.Ordinal);
        var skipped = CommandLine.Run(["train", .. files.Flags("run"), "--skip-damaged"]);
        Assert.Equal(0, skipped.ExitCode);
        Assert.Contains($"left out 1 damaged image: {damaged}", skipped.Output + skipped.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_existing_run_folder_is_not_overwritten()
    {
        var run = Directory.CreateDirectory(files.At("run")).FullName;
        Assert.DoesNotContain("--resume", Refused("train", "--epochs", "1", "--out", run), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(run));
        File.WriteAllText(Path.Combine(run, "recipe.json"), "{}");
        Assert.Contains("--resume", Refused("train", "--epochs", "1", "--out", run), StringComparison.Ordinal);
    }

    [Fact]
    public void The_message_for_a_folder_of_runs_lists_them()
    {
        foreach (var name in (string[])["cutmix-seed1", "cutmix-seed2"])
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(files.At(name)).FullName, "recipe.json"), "{}");
        foreach (var arguments in (string[][])[["predict", files.Folder, "a.png"], ["evaluate", files.Folder]])
            Assert.Contains($"There are 2 runs in it; name one: {files.At("cutmix-seed1")}, {files.At("cutmix-seed2")}.",
                Refused(arguments), StringComparison.Ordinal);
    }

    [Fact]
    public void A_location_that_cannot_be_written_is_rejected()
    {
        File.WriteAllText(files.At("file"), "");
        var below = Path.Combine(files.At("file"), "run");
        Assert.Contains(below, Refused("train", "--epochs", "1", "--out", below), StringComparison.Ordinal);
        Assert.Contains(below, Refused("preview", "--out", below), StringComparison.Ordinal);
        Assert.Contains(below, Refused("compare", "--epochs", "1", "--out", below), StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_with_an_unknown_key_or_a_value_of_the_wrong_type_is_rejected()
    {
        File.WriteAllText(files.At("a.json"), """{"metod":"cutmix"}""");
        Assert.Contains("Did you mean 'method'?", Refused("train", files.At("a.json")), StringComparison.Ordinal);
        File.WriteAllText(files.At("b.json"), """{"epochs":"many"}""");
        Assert.Contains("'epochs'", Refused("train", files.At("b.json")), StringComparison.Ordinal);
        File.WriteAllText(files.At("c.json"), "{");
        Assert.Contains("valid JSON", Refused("train", files.At("c.json")), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refused("train", files.At("d.json")), StringComparison.Ordinal);
        Assert.Contains("is a folder", Refused("train", files.Folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_is_not_a_run_is_rejected()
    {
        foreach (var arguments in (string[][])[["predict", files.Folder, "a.png"], ["train", "--resume", "--out", files.Folder]])
            Assert.Contains($"{files.Folder}, which has none", Refused(arguments), StringComparison.Ordinal);
        Assert.Contains("does not exist", Refused("train", "--resume", "--out", files.At("run")), StringComparison.Ordinal);
    }

    [Fact]
    public void Resume_uses_the_stored_recipe_and_accepts_no_other_settings()
    {
        Assert.Contains("--epochs", Refused("train", "--resume", "--out", files.Folder, "--epochs", "3"), StringComparison.Ordinal);
        Assert.Contains("other.json", Refused("train", "other.json", "--resume", "--out", files.Folder), StringComparison.Ordinal);
        Assert.Contains("no --out", Refused("train", "--resume"), StringComparison.Ordinal);
    }

    [Theory, InlineData("train"), InlineData("plan"), InlineData("preview"), InlineData("compare")]
    public void Verbose_shows_the_stack_trace(string verb)
    {
        var result = CommandLine.Run(verb, "--alpha", "0", "--verbose");
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("   at Patchwork.", result.Error, StringComparison.Ordinal);
    }
}
