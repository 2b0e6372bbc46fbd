using Patchwork.Losses;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;

namespace Patchwork.Recipes;

/// <content>The ranges of the keys.</content>
public sealed partial record Recipe
{
    /// <summary>Refuses values outside their range.</summary>
    /// <exception cref="InputException">A value is outside its range; the first one found is named.</exception>
    public void Validate()
    {
        Require(Version == 1, "version", Version, "1");
        Require(Epochs is >= 0 and <= 100_000, "epochs", Epochs, "0 to 100000");
        Require(Epochs > 0 || Weights is not null, "epochs", Epochs, "1 to 100000 without weights to begin with");
        Require(BatchSize is >= 1 and <= 65_536, "batchSize", BatchSize, "1 to 65536");
        Require(Accumulate is >= 1 and <= 1_024, "accumulate", Accumulate, "1 to 1024");
        Require(ImageSize is null or (>= 8 and <= 1024), "imageSize", ImageSize, "8 to 1024");
        Require(Alpha is null or (> 0 and < double.PositiveInfinity), "alpha", Alpha, "positive; to switch mixing off set the probability to 0");
        Require(Probability is null or (>= 0 and <= 1), "probability", Probability, "0 to 1");
        Require(Lr is null or (> 0 and < double.PositiveInfinity), "lr", Lr, "positive");
        Require(WeightDecay is null or (>= 0 and < double.PositiveInfinity), "weightDecay", WeightDecay, "0 or more");
        Require(Momentum is >= 0 and < 1, "momentum", Momentum, "0 to 1, 1 excluded");
        Require(DropProbability is null or (>= 0 and <= 1), "dropProbability", DropProbability, "0 to 1");
        Require(CleanTail >= 0 && CleanTail <= Epochs, "cleanTail", CleanTail, $"0 to the number of epochs, {Epochs}");
        Require(Layers is null || (Layers.Count > 0 && Layers.All(layer => !string.IsNullOrWhiteSpace(layer))), "layers", Layers is null ? "" : string.Join(",", Layers), "one or more names");
        Require(Warmup == 0 || (Warmup > 0 && Warmup < Epochs), "warmup", Warmup, $"0 to the number of epochs, {Epochs}");
        Require(Clip is null or (> 0 and < double.PositiveInfinity), "clip", Clip, "positive");
        Require(Ema is null or (> 0 and < 1), "ema", Ema, "above 0 and below 1; to keep no average leave it out");
        Require(LabelSmoothing is >= 0 and < 1, "labelSmoothing", LabelSmoothing, "0 to 1, 1 excluded");
        Require(LabelSmoothing == 0 || Loss != LossKind.Focal, "labelSmoothing", LabelSmoothing, "0 with the focal loss");
        Require(Crop is >= 0 and <= 64, "crop", Crop, "0 to 64");
        Require(ResizedCrop is null or (> 0 and <= 1), "resizedCrop", ResizedCrop, "above 0, up to 1");
        Require(ResizedCrop is null || Crop == 0, "crop", Crop, "0 with a resized crop, which cuts already");
        Require(ColorJitter is >= 0 and < double.PositiveInfinity, "colorJitter", ColorJitter, "0 or more");
        Require(CenterCrop is > 0 and <= 1, "centerCrop", CenterCrop, "above 0, up to 1");
        Require(Subset is null or >= 2, "subset", Subset, "2 or more");
        Require(EarlyStop is null or >= 1, "earlyStop", EarlyStop, "1 or more");
        Require(Threads is >= 0 and <= 1024, "threads", Threads, "0 to 1024");
        Require(CheckpointEvery >= 0, "checkpointEvery", CheckpointEvery, "0 or more");
        Require(Device is "cpu" or "cuda", "device", Device, "cpu or cuda");
        Require(Validation == "test" || (double.TryParse(Validation, System.Globalization.CultureInfo.InvariantCulture, out var share) && share is > 0 and < 1),
            "validation", Validation, "a share between 0 and 1, or test");
        Require(Milestones is null || Milestones.All(epoch => epoch > 0), "milestones", Milestones is null ? "" : string.Join(",", Milestones), "positive epochs");
        Require(Margin is null or (>= 0 and <= 0.5), "margin", Margin, "0 to 0.5");
        Require(FixedLambda is null or (>= 0 and <= 1), "fixedLambda", FixedLambda, "0 to 1");
        try
        {
            var stack = CreateStack();
            Require(!Freeze || (stack.FeatureMixer is null && !stack.Methods.Any(method => method is BranchRegularizer)), "freeze", Freeze, "false with a method that acts inside the network");
            Require(Accumulate == 1 || stack.FeatureMixer is null, "accumulate", Accumulate, "1 with a method that mixes features, which is done within one pass");
            _ = Recipes.Strengths.Of(this, stack);
            // Options that do not go together show when a plan is drawn.
            if (stack.Mixer is { Needs: Needs.Nothing } mixer)
                mixer.Plan(new MixContext(2, 8, 8, new SeedStream(0).Open("validate")) { ObjectMask = _ => new byte[64] });
        }
        catch (ArgumentException error)
        {
            throw new InputException(error.Message, error);
        }
    }

    private static void Require(bool holds, string key, object? value, string expected)
    {
        if (!holds)
            throw new InputException(FormattableString.Invariant($"{key} must be {expected}. Received: {key} = {value}."));
    }
}
