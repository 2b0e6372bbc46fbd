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
/// The flags that every verb shares: each is a recipe key, spelled with dashes. What is given on the command line is laid over a base
/// recipe.
/// </summary>
/// <param name="withDefaults">False leaves defaults out of the descriptions, for verbs that do not begin with them.</param>
internal sealed partial class RecipeOptions(bool withDefaults = true)
{
    private readonly List<(Option<string> Option, string Key, Func<string, JsonNode?> Read)> values = [];
    private readonly List<(Option<bool> Option, string Key)> switches = [];
    private readonly Option<string[]> settings =
        new("--set")
        {
            Description =
        "any option of a method, NAME=VALUE, as often as needed, e.g. level=pixel or cutout.length=8; names: methods NAME"
        };
    private bool mixing;

    /// <summary>Adds the data flags: which images.</summary>
    public RecipeOptions Data(bool dataset = true)
    {
        if (dataset)
            Text("--dataset", $"data set: {DataSets()}");
        Text("--data", "the data set's folder or its parent");
        Whole("--image-size", "rows and columns that images of a folder or of clothing are brought to");
        Number("--center-crop", "share of the sides of a picture's middle that is kept, e.g. 0.875 (default 1)");
        Text("--normalization", "means/deviations of the channels, or imagenet (default: the data set's, or the weights')");
        Switch("--scaled-decoding", "decode large JPEG files at 1/2, 1/4 or 1/8 (default true)");
        Switch("--skip-damaged", "leave damaged images, and rows of a list that cannot be used, out");
        Text("--images", "for a list: the folder that its paths begin in");
        Text("--columns", "for a list: where its columns are, e.g. path=1,label=3,split=part");
        Switch("--multi-label", "for a list: images may show several classes or none (default: where a cell holds several)");
        Text("--class-names", "for a list of numbered labels: a file with the name of each class in a line");
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
            Text("--method", "method, or baseline; several as cutmix+cutout or mixup:0.3-or-cutmix:0.7");
        Number("--alpha", "parameter of λ ~ Beta(α, α)");
        Number("--probability", "chance that a batch (or image, with --scope example) is mixed");
        CutMixOptions.AddTo(this);
        Switch("--fold", "λ becomes max(λ, 1-λ): the image keeps the larger part");
        Choice<Scope>("--scope", "one draw a batch, a pair or an example");
        Choice<Partners>("--partners", "how partners are found");
        Whole("--seed", "seed of everything random (default 1)");
        return this;
    }

    /// <summary>Adds the training flags.</summary>
    public RecipeOptions Training()
    {
        Names("--layers", $"{Having("layers")}: layers to choose from, e.g. input,layer1,layer2");
        Number("--drop-probability", $"{Having("dropProbability")}: chance of a drop");
        Names("--strengths", "strengths that change, NAME EPOCH:VALUE …, e.g. 'probability 0:0 19:1,alpha/step 0:0.2 20:1'");
        Whole("--clean-tail", "last epochs in which nothing is mixed or erased");
        Switch("--union-labels", "several labels: every class of either image is a target of 1, instead of weights by λ");
        Switch("--clean-half", "keep the clean images in the loss beside the mixed ones");
        Text("--model", "model (default resnet8)");
        Choice<Stem>("--stem", "first layers of resnet18, resnet34 and resnet50 (default: the weights', or by the images' size)");
        Text("--weights", "safetensors, PyTorch or ONNX file to begin with, or imagenet; the last layer may differ");
        Switch("--freeze", "train the last layer alone, on features that stay as they are");
        Whole("--freeze-epochs", "first epochs in which the last layer is trained alone");
        Switch("--freeze-norm", "BatchNorm keeps the statistics of the weights");
        Whole("--epochs", "epochs (default 20)");
        Whole("--batch-size", "images a batch (default 32)");
        Whole("--accumulate", "batches whose gradients make one step (default 1)");
        Choice<OptimizerKind>("--optimizer", "optimizer (default adam)");
        Number("--lr", "highest learning rate (default 0.1 for sgd; 0.001 otherwise, 0.01 with onecycle; 0.3 of it with --weights)");
        Number("--layer-decay", "what the rate is multiplied by from each stage to the one before, e.g. 0.5 (default 1)");
        Number("--weight-decay", "weight decay");
        Switch("--no-vector-decay", "no weight decay on biases and BatchNorm");
        Number("--momentum", "momentum of sgd (default 0.9)");
        Choice<ScheduleKind>("--schedule", "learning rate schedule (default onecycle)");
        List("--milestones", "epochs at which multistep multiplies the rate by 0.1, e.g. 150,225");
        Number("--warmup", "epochs of linear warm-up");
        Number("--clip", "largest norm of the gradient");
        Number("--ema", "decay of a moving average of the weights to validate and test with, e.g. 0.9998");
        Choice<LossKind>("--loss", "loss (default crossentropy)");
        Text("--class-weights", "weights of classes in the loss: balanced, effective, or a file of classes and weights");
        Switch("--balanced", "show every class equally often");
        Number("--label-smoothing", "label smoothing ε");
        Whole("--crop", "pixels of padding for the random crop (default 0: none)");
        Switch("--flip", "mirror training images at random");
        Number("--resized-crop", "random resized crop: least share of the picture's area, e.g. 0.08");
        Number("--color-jitter", "strength of random brightness, contrast and saturation, e.g. 0.4");
        Whole("--subset", "training images to use, a fixed stratified choice");
        Whole("--per-class", "training images to use of each class, a fixed choice");
        Whole("--folds", "cross-validation: the run of each seed tests on another of so many folds");
        Text("--validation", "share kept for validation (default 0.1), or test");
        Whole("--early-stop", "epochs without a lower validation error after which to end");
        Whole("--threads", "torch threads of each rank (default: its share of the cores, or one for a small network)");
        Switch("--sync-batchnorm", "with several ranks: BatchNorm measures over the images of all");
        Choice<Precision>("--precision", "what training and validation compute in (default auto)");
        Text("--device", "cpu or cuda");
        Whole("--checkpoint-every", "steps between checkpoints inside an epoch");
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

    // Each over the base's of the same name.
    private static void LaySettings(JsonObject json, string[] given)
    {
        var options = json["options"]?.AsObject() ?? [];
        foreach (var setting in given)
        {
            if (setting.Split('=', 2) is not [var name, var value])
                throw new InputException($"--set must be NAME=VALUE, as --set level=pixel. Received: {setting}.");
            options[name.Trim()] = value.Trim();
        }
        json["options"] = options;
    }

    /// <summary>The recipe with everything that was given on the command line laid over it.</summary>
    /// <param name="recipe">What lies below.</param>
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
                json[key] = parsed.GetValue(option);      // --flip false takes back what lies below
        }
        if (mixing && parsed.GetValue(settings) is { Length: > 0 } set)
            LaySettings(json, set);
        return Recipe.FromJson(json.ToJsonString(), "the command line");
    }

    /// <summary>What was given for a key, as it was written; null when nothing was.</summary>
    public string? Given(ParseResult parsed, string key) => parsed.GetValue(values.Single(value => value.Key == key).Option);

    /// <summary>Flags that were given; with <c>--resume</c> there may be none.</summary>
    public IEnumerable<string> Given(ParseResult parsed) =>
        values.Where(value => parsed.GetValue(value.Option) is not null).Select(value => value.Option.Name)
            .Concat(switches.Where(value => parsed.GetResult(value.Option) is { Implicit: false }).Select(value => value.Option.Name))
            .Concat(mixing && parsed.GetValue(settings) is { Length: > 0 } ? [settings.Name] : []);

    // The methods of the catalogue that have an option.
    private static string Having(string option) => string.Join(", ", Methods.All
        .Where(method => MethodOption.Of(method.Create()).Any(known => known.Name == option)).Select(method => method.Id));

    internal void Text(string flag, string description) => Add(flag, description, given => given);

    private void Whole(string flag, string description) => Add(flag, description, given =>
        long.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? JsonValue.Create(value)
            : ulong.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out var large) ? JsonValue.Create(large)      // seeds
            : throw new InputException($"{flag} must be a whole number. Received: {given}."));

    internal void Number(string flag, string description) => Add(flag, description, given =>
        double.TryParse(given, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? JsonValue.Create(value)
            : throw new InputException($"{flag} must be a number. Received: {given}."));

    private void List(string flag, string description) => Add(flag, description, given => new JsonArray([.. given.Split(',').Select(part =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (JsonNode)JsonValue.Create(value)
            : throw new InputException($"{flag} must be whole numbers separated by commas. Received: {given}."))]));

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

    private void Add(string flag, string description, Func<string, JsonNode?> read) =>
        values.Add((new Option<string>(flag) { Description = Described(description) }, Key(flag), read));

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
