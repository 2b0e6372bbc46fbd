using Patchwork.Formats;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Trained weights are reused, on another data set or unchanged.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class TransferTests : IDisposable
{
    private readonly PictureSet files = new PictureSet().Paint();

    public void Dispose() => files.Dispose();

    private string Train(string run, int epochs = 2, params string[] more)
    {
        var result = CommandLine.Run(["train", "--quiet", .. files.Flags(run, epochs), .. more]);
        Assert.True(result.ExitCode == 0, result.Error);
        return files.At(run);
    }

    private static string Weights(string run) => Path.Combine(run, "checkpoints", "last.safetensors");

    // Names of the tensors that differ between two files.
    private static string[] Changed(string before, string after)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var (a, b) = (Safetensors.Load(before), Safetensors.Load(after));
        Assert.Equal(a.Keys.Order(), b.Keys.Order());
        return [.. a.Keys.Where(name => !a[name].equal(b[name]).all().item<bool>())];
    }

    [Fact]
    public void A_probe_changes_only_the_last_layer_and_fine_tuning_changes_the_others_too()
    {
        var run = Train("run", more: ["--optimizer", "sgd"]);      // its weight decay would change a parameter without a gradient
        string[] evaluate = ["evaluate", run, "--suite", "transfer", "--transfer-to", $"folder={files.Pictures}", "--transfer-epochs", "2",
            "--json"];
        var result = CommandLine.Run(evaluate);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.All(["probe_error", "finetuning_error"], metric =>
            Assert.InRange(result.Json().GetProperty("transfer").GetProperty(metric).GetProperty("value").GetDouble(), 0, 1));

        var transfers = Path.Combine(run, "evaluation", "transfer");
        Assert.Equal(["fc.bias", "fc.weight"], Changed(Weights(run), Weights(Path.Combine(transfers, "pictures-probe-2"))).Order());
        Assert.Contains("conv1.weight", Changed(Weights(run), Weights(Path.Combine(transfers, "pictures-finetuning-2"))));

        // A measured transfer is not trained again.
        var written = File.GetLastWriteTimeUtc(Weights(Path.Combine(transfers, "pictures-probe-2")));
        Assert.Equal(result.Json().GetProperty("transfer").GetRawText(), CommandLine.Run(evaluate).Json().GetProperty("transfer")
            .GetRawText());
        Assert.Equal(written, File.GetLastWriteTimeUtc(Weights(Path.Combine(transfers, "pictures-probe-2"))));
    }

    [Fact]
    public void A_frozen_network_rejects_methods_that_act_inside_it()
    {
        foreach (var method in (string[])["manifoldmixup", "shakedrop"])
            Assert.Contains("freeze must be false", CommandLine.Run(["train", "--method", method, "--freeze", .. files.Flags("run")])
                .Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Zero_epochs_make_a_finished_run_with_unchanged_weights()
    {
        var run = Train("run");
        var taken = Train("taken", 0, "--weights", Weights(run));
        Assert.Empty(Changed(Weights(run), Weights(taken)));
        string Error(string folder) => CommandLine.Run("evaluate", folder, "--suite", "clean", "--json").Json().GetProperty("clean")
            .GetProperty("top1_error").GetRawText();
        Assert.Equal(Error(run), Error(taken));
        Assert.Contains("weights to start from", CommandLine.Run(["train", .. files.Flags("none", 0)]).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_comparison_loads_the_weights_of_each_method()
    {
        var trained = files.At("trained");
        string[] compare = ["compare", "--methods", "baseline,cutmix", "--seeds", "1", "--json", "--quiet"];
        var before = CommandLine.Run([.. compare, .. files.Flags("trained")]);
        Assert.True(before.ExitCode == 0, before.Error);
        var after =
            CommandLine.Run([.. compare, .. files.Flags("taken", 0), "--weights",
            Path.Combine(trained, "{method}-seed{seed}", "checkpoints", "last.safetensors")]);
        Assert.True(after.ExitCode == 0, after.Error);
        for (var i = 0; i < 2; i++)
            Assert.Equal(before.Json().GetProperty("methods")[i].GetProperty("top1_error_last").GetRawText(), after.Json()
                .GetProperty("methods")[i].GetProperty("top1_error_last").GetRawText());
    }

    [Fact]
    public void A_run_that_is_resumed_before_its_first_checkpoint_starts_from_its_given_weights()
    {
        var begin = Weights(Train("begin"));
        var run = Train("run", 2, "--weights", begin);
        var whole = File.ReadAllBytes(Weights(run));
        foreach (var file in Directory.GetFiles(Path.Combine(run, "checkpoints")).Where(file => Path.GetFileName(file) != "model.json")
            .Append(Path.Combine(run, "result.json")))
            File.Delete(file);
        Assert.Equal(0, CommandLine.Run("train", "--resume", "--quiet", "--out", run).ExitCode);
        Assert.Equal(whole, File.ReadAllBytes(Weights(run)));
    }
}
