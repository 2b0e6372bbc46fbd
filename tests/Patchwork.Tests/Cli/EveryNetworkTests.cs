using Patchwork.Models;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>Each network of the zoo works with training and with every verb that accepts a run, on pictures of 8×8.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class EveryNetworkTests : IDisposable
{
    // The networks with the fewest layers; the short lane tests only these.
    private static readonly string[] Families = ["resnet8", "wrn-16-4", "cct-2-3x2"];

    // They share the code of narrower networks of their family and take ten to twenty seconds per training, so compare is skipped for them.
    private static readonly string[] Wide = ["wrn-28-8", "wrn-28-10", "resnext29-8x64d", "resnext29-16x64d", "pyramidnet110-a270",
        "pyramidnet164-a270", "pyramidnet200-a240", "pyramidnet272-a200"];

    private readonly PictureSet files = new();

    public static TheoryData<string> Networks => [.. ModelZoo.Ids];

    public void Dispose() => files.Dispose();

    private void Succeeds(params string[] arguments)
    {
        var result = CommandLine.Run(arguments);
        Assert.True(result.ExitCode == 0, $"{string.Join(' ', arguments)}: {result.Error}");
    }

    [Theory, MemberData(nameof(Networks))]
    public void A_network_is_trained_compared_evaluated_explained_and_predicts(string model)
    {
        if (!Families.Contains(model))
            Lane.NeedFull("all networks");
        files.Paint(perClass: 6);
        string[] flags = ["--dataset", "folder", "--data", files.Pictures, "--image-size", "8", "--model", model, "--epochs", "1",
            "--batch-size", "8", "--threads", "1", "--quiet"];
        var picture = Directory.GetFiles(Path.Combine(files.Pictures, "red"))[0];
        Succeeds(["train", .. flags, "--method", "cutmix", "--out", files.At("run")]);
        // All suites would take minutes for the larger networks, so only two run for them.
        var suites = model is "resnet8" or "preactresnet18" or "cct-2-3x2" ? "all" : "clean,occlusion";
        if (!Wide.Contains(model))
            Succeeds(["compare", .. flags, "--methods", "baseline", "--seeds", "1", "--limit", "3", "--evaluate", suites, "--out",
                files.At("compare")]);
        Succeeds("evaluate", files.At("run"), "--suite", "clean", "--limit", "3", "--quiet");
        Succeeds("explain", files.At("run"), picture, "--out", files.At("seen.png"));
        Succeeds("predict", files.At("run"), picture);
        Assert.Contains(ModelZoo.IsTransformer(model) ? " the attention over the image" : "class activation map", File.ReadAllText(files.At("run/report.html")), StringComparison.Ordinal);
    }
}
