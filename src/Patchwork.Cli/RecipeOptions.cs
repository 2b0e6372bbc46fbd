using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Recipes;

namespace Patchwork.Cli;

/// <summary>
/// The flags that set recipe keys; each is the key's name with dashes. Flags on the command line override the values of a base recipe.
/// </summary>
/// <param name="withDefaults">False omits defaults from the descriptions, for verbs whose base recipe has other values.</param>
internal sealed partial class RecipeOptions(bool withDefaults = true)
{
    private readonly List<(Option<string> Option, string Key, Func<string, JsonNode?> Read)> values = [];
    private readonly List<(Option<bool> Option, string Key)> switches = [];
    private readonly Option<string[]> settings = new("--set")
    {
        Description = "set any option of the method; repeatable. Example: --set level=pixel. `methods NAME` lists them",
        HelpName = "NAME=VALUE",
    };
    private bool mixing;

    /// <summary>Adds the data flags: which images.</summary>
    public RecipeOptions Data(bool dataset = true)
    {
        if (dataset)
            Text("--dataset NAME", $"data set: {DataSets()}");
        Text("--data DIR", "folder of the data set, or its parent");
        Whole("--image-size N", "resize images of a folder, clothing or tinyimagenet to N×N pixels");
        Number("--center-crop X", "keep this share of each side, from the middle; for example 0.875 (default 1)");
        Text("--normalization VALUES", "mean/standard deviation per channel, or imagenet (default: that of the data set or the weights)");
        Switch("--scaled-decoding", "decode large JPEG files at 1/2, 1/4 or 1/8 of their size (default true)");
        Switch("--skip-damaged", "omit damaged images, and rows of a list that cannot be used");
        Text("--images DIR", "for lists: the folder that the paths in the list are relative to");
        Text("--columns VALUES", "for lists: which column holds what; for example path=1,label=3,split=part");
        Switch("--multi-label", "for lists: an image may have several labels or none (default: on if a cell holds several)");
        Text("--class-names FILE", "for lists with numbered labels: a text file with one class name per line");
        return this;
    }

    private static string DataSets()
    {
        var standard = new Recipe().Dataset;
        return string.Join(", ", DatasetCatalogue.All.Select(set => (set.IsEmbedded, set.Id == standard) switch
        {
            (true, true) => $"{set.Id} (embedded, default)",
            (true, false) => $"{set.Id} (embedded)",
            (false, true) => $"{set.Id} (default)",
            _ => set.Id,
        }));
    }

    /// <summary>Adds the flags of mixing methods.</summary>
    public RecipeOptions Mixing(bool method = true)
    {
        mixing = true;
        if (method)
            Text("--method NAME", "method or baseline; combine with +, alternate with -or-: cutmix+cutout, mixup:0.3-or-cutmix:0.7; "
                + "options can be part of a name: cutmix:alpha=0.25");
        Number("--alpha X", "α of λ ~ Beta(α, α)");
        Number("--probability X", "probability that a batch is mixed (that an image is, with --scope example)");
        CutMixOptions.AddTo(this);
        Switch("--fold", "use max(λ, 1-λ), so that each image keeps the larger part");
        Choice<Scope>("--scope", "draw once per batch, per pair or per image");
        Choice<Partners>("--partners", "how each image's partner is chosen");
        Whole("--seed N", "seed of every random draw (default 1)");
        return this;
    }

    /// <summary>Adds the training flags.</summary>
    public RecipeOptions Training()
    {
        Names("--layers NAMES", $"{Having("layers")}: layers to choose from, for example input,layer1,layer2");
        Number("--drop-probability X", $"{Having("dropProbability")}: probability of a drop");
        Names("--strengths VALUES", "strengths that change with the epoch: NAME EPOCH:VALUE ..., for example "
            + "'probability 0:0 19:1,alpha/step 0:0.2 20:1'");
        Whole("--clean-tail N", "train the last N epochs without mixing or erasing");
        Switch("--union-labels", "with several labels per image: every class of either image has the target 1, not weighted by λ");
        Switch("--clean-half", "train on the clean images as well as the mixed ones");
        Number("--decoupled X", "weight of the decoupled terms in the loss of mixed images, for example 0.1 (default 0: none)");
        Text("--model NAME", "network; `models` lists them (default resnet8)");
        Choice<Stem>("--stem", "first layers of resnet18, resnet34 and resnet50 (default: as in the weights, or by image size)");
        Text("--weights FILE", "start from these weights (safetensors, PyTorch or ONNX), or imagenet; the last layer may differ");
        Switch("--freeze", "train only the last layer");
        Whole("--freeze-epochs N", "train only the last layer in the first N epochs");
        Switch("--freeze-norm", "keep BatchNorm's statistics as they are in the weights");
        Whole("--epochs N", "passes over the training set (default 20)");
        Whole("--batch-size N", "images per batch, over all ranks (default 32)");
        Whole("--accumulate N", "batches per optimizer step (default 1)");
        Choice<OptimizerKind>("--optimizer", "optimizer (default adam)");
        Number("--lr X", "peak learning rate (default 0.1 for sgd, 0.01 for onecycle, 0.001 otherwise; 0.3 times that with --weights)");
        Number("--layer-decay X", "factor on the learning rate from each stage to the one before it, for example 0.5 (default 1)");
        Number("--weight-decay X", "weight decay");
        Switch("--no-vector-decay", "exempt biases and BatchNorm from weight decay");
        Number("--momentum X", "momentum of sgd (default 0.9)");
        Choice<ScheduleKind>("--schedule", "learning rate schedule (default onecycle)");
        List("--milestones EPOCHS", "epochs at which multistep multiplies the learning rate by 0.1, for example 150,225");
        Number("--warmup X", "epochs of linear warm-up");
        Number("--clip X", "maximum norm of the gradient");
        Number("--ema X", "validate and test with a moving average of the weights, with this decay; for example 0.9998");
        Choice<LossKind>("--loss", "loss (default crossentropy)");
        Text("--class-weights VALUE", "class weights in the loss: balanced, effective, or a file of classes and weights");
        Switch("--balanced", "sample every class equally often");
        Number("--label-smoothing X", "ε of label smoothing");
        Whole("--crop N", "random crop after padding by N pixels (default 0: none)");
        Switch("--flip", "mirror training images at random");
        Number("--resized-crop X", "random resized crop of at least this share of the image area, for example 0.08");
        Number("--color-jitter X", "strength of random brightness, contrast and saturation, for example 0.4");
        Whole("--subset N", "train on N images, chosen once and stratified by class");
        Whole("--per-class N", "train on N images per class, chosen once");
        Whole("--folds N", "N-fold cross-validation: each seed tests on a different fold");
        Text("--validation SHARE", "share of the training set kept for validation, or `test` to validate on the test set (default 0.1)");
        Whole("--early-stop N", "stop after N epochs without a lower validation error");
        Whole("--threads N", "torch threads per process (default: its share of the cores, one for a small network)");
        Switch("--sync-batchnorm", "with several ranks: compute BatchNorm's statistics over the images of all ranks");
        Choice<Precision>("--precision", "number format of training and validation (default auto)");
        Text("--device NAME", "cpu or cuda");
        Whole("--checkpoint-every N", "also save a checkpoint every N steps");
        return this;
    }

    /// <summary>Adds all flags to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var (option, _, _) in values)
            command.Options.Add(option);
        foreach (var (option, _) in switches)
            command.Options.Add(option);
        if (mixing)
            command.Options.Add(settings);
    }

    // A setting replaces the base recipe's option of the same name.
    private static void ApplySettings(JsonObject json, string[] given)
    {
        var options = json["options"]?.AsObject() ?? [];
        foreach (var setting in given)
        {
            if (setting.Split('=', 2) is not [var name, var value])
                throw new InputException($"--set must be NAME=VALUE, for example --set level=pixel. Received: {setting}.");
            options[name.Trim()] = value.Trim();
        }
        json["options"] = options;
    }

    /// <summary>A copy of a recipe in which the flags of the command line replace its values.</summary>
    /// <param name="recipe">The base recipe.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="except">A key that the verb reads itself.</param>
    public Recipe Over(Recipe recipe, ParseResult parsed, string except = "")
    {
        var json = JsonNode.Parse(recipe.ToJson())!.AsObject();
        foreach (var (option, key, read) in values)
        {
            if (key != except && parsed.GetValue(option) is { } given)
                json[key] = read(given);
        }
        foreach (var (option, key) in switches)
        {
            if (parsed.GetResult(option) is { Implicit: false })
                json[key] = parsed.GetValue(option);      // --flip false undoes the base recipe's true
        }
        if (mixing && parsed.GetValue(settings) is { Length: > 0 } set)
            ApplySettings(json, set);
        return Recipe.FromJson(json.ToJsonString(), "the command line");
    }

    /// <summary>The value that the command line gives for a key, as written; null if it gives none.</summary>
    public string? Given(ParseResult parsed, string key) => parsed.GetValue(values.Single(value => value.Key == key).Option);

    /// <summary>The recipe flags on the command line; <c>--resume</c> allows none.</summary>
    public IEnumerable<string> Given(ParseResult parsed) =>
        values.Where(value => parsed.GetValue(value.Option) is not null).Select(value => value.Option.Name)
            .Concat(switches.Where(value => parsed.GetResult(value.Option) is { Implicit: false }).Select(value => value.Option.Name))
            .Concat(mixing && parsed.GetValue(settings) is { Length: > 0 } ? [settings.Name] : []);

    // The catalogue's methods that have this option.
    private static string Having(string option) => string.Join(", ", Methods.All
        .Where(method => MethodOption.Of(method.Create()).Any(known => known.Name == option)).Select(method => method.Id));

    internal void Text(string flag, string description) => Add(flag, description, given => given);

    private void Whole(string flag, string description) => Add(flag, description, given =>
        long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? JsonValue.Create(value)
            : ulong.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var large) ? JsonValue.Create(large)      // seeds
            : throw new InputException($"{NameOf(flag)} must be a whole number. Received: {given}."));

    internal void Number(string flag, string description) => Add(flag, description, given =>
        double.TryParse(given, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? JsonValue.Create(value)
            : throw new InputException($"{NameOf(flag)} must be a number. Received: {given}."));

    private void List(string flag, string description) => Add(flag, description, given => new JsonArray([.. given.Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (JsonNode)JsonValue.Create(value)
            : throw new InputException($"{NameOf(flag)} must be whole numbers separated by commas. Received: {given}."))]));

    private void Names(string flag, string description) => Add(flag, description, given =>
        new JsonArray([.. given.Split(',', StringSplitOptions.TrimEntries).Select(part => (JsonNode)JsonValue.Create(part))]));

    internal void Choice<T>(string flag, string description) where T : struct, Enum
    {
        string[] names = [.. Enum.GetNames<T>().Select(name => name.ToLowerInvariant())];
        Add(flag, $"{description}: {string.Join(", ", names)}", given =>
            names.Contains(given.ToLowerInvariant()) ? Enum.Parse<T>(given, ignoreCase: true).ToString()
                : throw InputException.Unknown($"value for {flag}", given, names));
    }

    private void Switch(string flag, string description) =>
        switches.Add((new Option<bool>(flag) { Description = Described(description) }, Key(flag)));

    private static string NameOf(string flag) => flag.Split(' ')[0];

    // A flag is given with the name of its value, as in "--epochs N".
    private void Add(string flag, string description, Func<string, JsonNode?> read)
    {
        var name = NameOf(flag);
        var value = flag == name ? "NAME" : flag[(name.Length + 1)..];
        values.Add((new Option<string>(name) { Description = Described(description), HelpName = value }, Key(name), read));
    }

    private string Described(string description) => withDefaults ? description : Default().Replace(description, "");

    [GeneratedRegex(@" \(default [^)]*\)")]
    private static partial Regex Default();

    // --batch-size is batchSize.
    private static string Key(string flag)
    {
        var words = flag[2..].Split('-');
        return words[0] + string.Concat(words[1..].Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
