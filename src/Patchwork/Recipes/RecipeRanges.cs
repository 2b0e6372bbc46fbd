using System.Globalization;
using Patchwork.Data;
using Patchwork.Losses;
using Patchwork.Models;
using Patchwork.Training;

namespace Patchwork.Recipes;

/// <content>The ranges of the keys. A key that sets an option checks its value against the range of that option.</content>
public sealed partial record Recipe
{
    /// <summary>
    /// Rejects values outside their range. Names of methods, options and strengths are looked up by <see cref="Resolve()"/>.
    /// </summary>
    /// <exception cref="InputException">A value is outside its range; the first one found is named.</exception>
    public void Validate()
    {
        Require(Version == 1, "version", Version, "1");
        Require(Epochs is >= 0 and <= 100_000, "epochs", Epochs, "0 to 100000");
        Require(Epochs > 0 || Weights is not null, "epochs", Epochs, "1 to 100000 without weights to start from");
        Require(!Freeze || Weights is not null, "freeze", Freeze, "false without weights: random features would stay random");
        Require(FreezeEpochs >= 0 && FreezeEpochs <= Epochs, "freezeEpochs", FreezeEpochs, $"0 to the number of epochs, {Epochs}");
        Require(FreezeEpochs == 0 || (Weights is not null && !Freeze), "freezeEpochs", FreezeEpochs,
            "0 without weights to start from, and with features that stay frozen");
        Require(!FreezeNorm || Weights is not null, "freezeNorm", FreezeNorm, "false without weights, which provide the statistics");
        Require(Stem is null || ModelZoo.HasStems(Model), "stem", Stem, $"omitted with {Model}, which has only one kind of first layers");
        Ask("layerDecay", LayerDecay, value => new Sgd { LayerDecay = value });
        Require(BatchSize is >= 1 and <= 65_536, "batchSize", BatchSize, "1 to 65536");
        Require(Accumulate is >= 1 and <= 1_024, "accumulate", Accumulate, "1 to 1024");
        Require(ImageSize is null or (>= 8 and <= 1024), "imageSize", ImageSize, "8 to 1024");
        Require(Normalization is null || Patchwork.Data.Normalization.TryParse(Normalization, out _), "normalization", Normalization,
            "imagenet, or means and standard deviations such as 0.5,0.5,0.5/0.25,0.25,0.25");
        Ask("centerCrop", CenterCrop, value => new DataOptions { CenterCrop = value });
        ValidateMethods();
        Ask("momentum", Momentum, value => new Sgd { Momentum = value });
        Ask("lr", Lr, value => new Sgd { LearningRate = value });
        Ask("weightDecay", WeightDecay, value => new Sgd { WeightDecay = value });
        Require(Warmup == 0 || (Warmup > 0 && Warmup < Epochs), "warmup", Warmup, $"0 to the number of epochs, {Epochs}");
        Require(Milestones is null || Milestones.All(epoch => epoch > 0), "milestones", string.Join(",", Milestones ?? []),
            "positive epochs");
        Ask("clip", Clip, value => new TrainerOptions { ClipNorm = value });
        Ask("ema", Ema, value => new WeightAverage { Decay = value });
        Ask("labelSmoothing", LabelSmoothing, value => new CrossEntropy { LabelSmoothing = value });
        Require(LabelSmoothing == 0 || Loss != LossKind.Focal, "labelSmoothing", LabelSmoothing, "0 with the focal loss");
        Ask("crop", Crop, value => new CropFlip { Padding = value });
        Ask("resizedCrop", ResizedCrop, value => new RandomResizedCrop { Scale = value });
        Require(ResizedCrop is null || Crop == 0, "crop", Crop, "0 with a resized crop, which already crops");
        Ask("colorJitter", ColorJitter, value => new ColorJitter { Brightness = value });
        Require(Subset is null or >= 2, "subset", Subset, "2 or more");
        Require(PerClass is null or >= 2, "perClass", PerClass, "2 or more");
        Require(PerClass is null || Subset is null, "perClass", PerClass, "omitted with a subset, which selects images too");
        Require(Folds is null or (>= 2 and <= 100), "folds", Folds, "2 to 100");
        if (ClassWeights is { } weights && RecipeClassWeights.IsName(weights))
            RecipeClassWeights.BetaOf(weights);
        Require(Validation is null or "test"
            || (double.TryParse(Validation, CultureInfo.InvariantCulture, out var share) && share is > 0 and < 1),
            "validation", Validation, "a share between 0 and 1, or test");
        Ask("earlyStop", EarlyStop, value => new EarlyStopping(value));
        Require(Threads is >= 0 and <= 1024, "threads", Threads, "0 to 1024");
        Require(Ranks is >= 1 and <= 65_536, "ranks", Ranks, "1 to 65536");
        Require(NativeLibraries.IsDeviceName(Device), "device", Device, "cpu, cuda or cuda:N");
        Require(CheckpointEvery >= 0, "checkpointEvery", CheckpointEvery, "0 or more");
    }

    // Checked even if no method of the recipe has the option: a comparison has one recipe for several methods.
    private void ValidateMethods()
    {
        foreach (var key in MethodKey.All)
        {
            if (key.Given(this) is { } value)
                Ask(key.Name, value, () => key.Check(value));
        }
        Ask("decoupled", Decoupled, value => new Decoupled { Weight = value });
        Require(CleanTail >= 0 && CleanTail <= Epochs, "cleanTail", CleanTail, $"0 to the number of epochs, {Epochs}");
    }

    /// <summary>Rejects a value outside the key's own range.</summary>
    internal static void Require(bool holds, string key, object? value, string expected)
    {
        if (!holds)
            throw new InputException(FormattableString.Invariant($"{Property(key)} must be {expected}. Received: {key} = {value}."));
    }

    // The property name of a key, as messages show it.
    private static string Property(string key) => $"`{char.ToUpperInvariant(key[0])}{key[1..]}`";

    private static void Ask(string key, double? value, Func<double, object> option)
    {
        if (value is { } given)
            Ask(key, given, () => { option(given); });
    }

    private static void Ask(string key, int? value, Func<int, object> option)
    {
        if (value is { } given)
            Ask(key, given, () => { option(given); });
    }

    private static void Ask(string key, object value, Action ask)
    {
        try
        {
            ask();
        }
        catch (ArgumentException error)
        {
            var given = value is IEnumerable<string> names ? string.Join(',', names) : value;
            throw new InputException(
                FormattableString.Invariant($"{Property(key)} cannot be {given}: {InputException.ReasonAlone(error)}"), error);
        }
    }
}
