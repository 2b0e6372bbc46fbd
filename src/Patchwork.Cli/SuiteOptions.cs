using System.CommandLine;
using Patchwork.Data;
using Patchwork.Evaluation;
using Patchwork.Runs;

namespace Patchwork.Cli;

/// <summary>Flags about what is evaluated.</summary>
internal sealed class SuiteOptions(string flag, string standard)
{
    private readonly Option<string> suites = new(flag)
    {
        Description = $"suites separated by commas ({string.Join(", ", Suites.All.Select(suite => suite.Id))}), all{(standard == "none" ? ", or none" : "")}",
        DefaultValueFactory = _ => standard,
    };

    private readonly Option<int?> limit = WholeOption.Optional("--limit", "test images that are evaluated, every class by its share; written into every result (default all)");
    private readonly Option<string?> outSets = new("--out-sets")
    {
        Description = $"data sets as images of another kind, separated by commas: ids, or {DatasetCatalogue.OwnPictures.Id}=DIR, "
            + "with :crop at the end for their middle (default none but noise and blobs)",
    };

    private readonly Option<string?> layer = new("--layer") { Description = "layer whose Grad-CAM localizes, e.g. layer3 (default: class activation map of the last features)" };
    private readonly Option<string?> transferTo = new("--transfer-to")
    {
        Description = $"data set that the network is taken to, an id or {DatasetCatalogue.OwnPictures.Id}=DIR (default none)",
    };
    private readonly Option<int?> transferEpochs = WholeOption.Optional("--transfer-epochs", "epochs of the last layer's training and of the fine-tuning there (default 10)");
    private readonly Option<string?> corruptions = new("--corruptions") { Description = "folder of the published CIFAR-10-C or CIFAR-100-C files, an .npy file for each corruption (default: the test set is corrupted here)" };

    public void AddTo(Command command)
    {
        command.Options.Add(suites);
        command.Options.Add(limit);
        command.Options.Add(outSets);
        command.Options.Add(layer);
        command.Options.Add(transferTo);
        command.Options.Add(transferEpochs);
        command.Options.Add(corruptions);
    }

    /// <summary>The options that were given, or null where nothing is to be evaluated.</summary>
    public EvaluationOptions? Over(ParseResult parsed) => parsed.GetValue(suites) == "none" ? null : new EvaluationOptions
    {
        Suites = parsed.GetValue(suites)!,
        Limit = parsed.GetValue(limit),
        Corruptions = parsed.GetValue(corruptions),
        OutSets = parsed.GetValue(outSets)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [],
        Layer = parsed.GetValue(layer),
        TransferTo = parsed.GetValue(transferTo),
        TransferEpochs = parsed.GetValue(transferEpochs) ?? new EvaluationOptions().TransferEpochs,
    };
}
