using System.Text.Json.Serialization;
using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;

namespace Patchwork.Recipes;

/// <summary>
/// A run described as data: every flag of the command line is a key here, spelled the same (<c>--batch-size</c>, <c>batchSize</c>). The
/// same recipe on the same kind of machine gives the same weights to the bit.
/// </summary>
public sealed partial record Recipe
{
    /// <summary>Version of this format. Always 1.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Data set id. Default <c>clothing</c>, embedded photographs.</summary>
    public string Dataset { get; init => field = Id(value); } = "clothing";

    /// <summary>The data set's folder or its parent; null looks in <c>$PATCHWORK_DATA</c>, then in the user's cache.</summary>
    public string? Data { get; init; }

    /// <summary>Leave damaged images of a folder out instead of refusing it. Default false.</summary>
    public bool SkipDamaged { get; init; }

    /// <summary>For a list of images: the folder that its paths begin in. Null: the list's own.</summary>
    public string? Images { get; init; }

    /// <summary>
    /// For a list of images: where its columns are, by name or by number from 1, as <c>path=1,label=3,split=part</c>. Null: by their usual
    /// names.
    /// </summary>
    public string? Columns { get; init; }

    /// <summary>
    /// For a list of images: a file with the name of each class in a line, for labels that are their numbers from 0. Null: the labels are
    /// the names.
    /// </summary>
    public string? ClassNames { get; init; }

    /// <summary>
    /// For a list of images: true where an image may show several classes or none; null: true where some cell holds several, separated by
    /// <c>|</c> or <c>;</c>. The loss is then binary cross entropy, or focal for each class, and errors are 1 less the mean average
    /// precision.
    /// </summary>
    public bool? MultiLabel { get; init; }

    /// <summary>
    /// Several labels: the target of a mixed image is 1 for every class that either image shows, whatever its area; false weighs them by
    /// λ. Default false.
    /// </summary>
    public bool UnionLabels { get; init; }

    /// <summary>
    /// Rows and columns that the images of a resizable set are brought to; null: its own, 32 for <c>clothing</c> and 64 for a folder. Range
    /// 8 to 1024.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// Share of the sides of a picture's middle square that is kept, for sets of image files; 0.875 is "resize to 256, keep 224".
    /// Range (0, 1]. Default 1.
    /// </summary>
    public double CenterCrop { get; init; } = 1;

    /// <summary>
    /// Decode JPEG files at 1/2, 1/4 or 1/8 of their size where that leaves at least twice the size needed, for sets of image files. Null:
    /// true, which a run stores; runs from before this key existed decode the whole picture.
    /// </summary>
    public bool? ScaledDecoding { get; init; }

    /// <summary>
    /// What images are normalized with: <c>imagenet</c>, or the means and behind a slash the standard deviations of the channels, as
    /// <c>0.5,0.5,0.5/0.25,0.25,0.25</c>. Null: what the data set has, or with weights whose normalization is known theirs.
    /// </summary>
    public string? Normalization { get; init; }

    /// <summary>Model id. Default <c>resnet8</c>.</summary>
    public string Model { get; init => field = Id(value); } = "resnet8";

    /// <summary>
    /// The first layers of <c>resnet18</c>, <c>resnet34</c>, <c>resnet50</c> and <c>resnet18-imagenet</c>: small or imagenet. Null: those
    /// of the weights, or else by the size of the images, small below 64 pixels.
    /// </summary>
    public Stem? Stem { get; init; }

    /// <summary>
    /// Weights that training begins with: a safetensors file, a state dict of PyTorch or an ONNX model, or <c>imagenet</c> (see
    /// <see cref="Interop.ImageNetResNet18"/>). They are taken by name; what does not fit, as a last layer for other classes, starts fresh.
    /// Null: all start fresh. A comparison puts each run's method and seed for <c>{method}</c> and <c>{seed}</c>.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>Train the last linear layer alone, on features that stay as they are: a linear probe. Default false.</summary>
    public bool Freeze { get; init; }

    /// <summary>
    /// Epochs in which the last linear layer is trained alone before all are. Range: 0 to the number of epochs. Default 0.
    /// </summary>
    public int FreezeEpochs { get; init; }

    /// <summary>
    /// BatchNorm normalizes by the statistics of <see cref="Weights"/> in training too, and leaves them as they are. Default false.
    /// </summary>
    public bool FreezeNorm { get; init; }

    /// <summary>
    /// Method id, or <c>baseline</c>. Methods that work together stand between <c>+</c>, mixers to choose from for each batch between
    /// <c>-or-</c>, which may have weights: <c>mixup:0.3-or-cutmix:0.7</c>. Default <c>baseline</c>.
    /// </summary>
    public string Method { get; init => field = Id(value); } = Methods.Baseline;

    /// <summary>The method's α of Beta(α, α); null: its default. Range: positive.</summary>
    public double? Alpha { get; init; }

    /// <summary>The method's chance that a batch is mixed, or an image erased; null: its default. Range [0, 1].</summary>
    public double? Probability { get; init; }

    /// <summary>CutMix, Mixup: λ ← max(λ, 1-λ). Default false.</summary>
    public bool Fold { get; init; }

    /// <summary>One draw a batch, a pair or an image; null: the method's default.</summary>
    public Scope? Scope { get; init; }

    /// <summary>How partners are found; null: the method's default.</summary>
    public Partners? Partners { get; init; }

    /// <summary>
    /// Manifold Mixup, Feature CutMix: names of the model's layers to choose from, <c>input</c> for the images; null: the method's own
    /// stages of the model.
    /// </summary>
    public IReadOnlyList<string>? Layers { get; init; }

    /// <summary>
    /// DropBlock, stochastic depth, ShakeDrop: chance of a drop, in the last block where it grows with depth; null: the method's own. Range
    /// [0, 1].
    /// </summary>
    public double? DropProbability { get; init; }

    /// <summary>
    /// Any option of a method by its name, as <c>patchwork methods NAME</c> shows it, with its value as text: <c>"level": "pixel"</c>,
    /// <c>"cutout.length": "8"</c>, <c>"sideRange": "0.1,0.8"</c>. Without the method's id it is that of the one method which has it. They
    /// are laid over the other keys. Null: none.
    /// </summary>
    [JsonConverter(typeof(OptionTexts))]
    public IReadOnlyDictionary<string, string>? Options
    {
        get;
        init => field = value is { Count: > 0 } ? new SortedDictionary<string, string>(value.ToDictionary(), StringComparer.Ordinal) : null;
    }

    /// <summary>
    /// Strengths that change over the run, each a text of a name (probability, alpha, dropProbability or labelSmoothing) and EPOCH:VALUE
    /// points, between which it goes straight: <c>probability 0:0 30:1</c>; <c>alpha/step</c> follows every step instead of every epoch.
    /// Null: none changes.
    /// </summary>
    public IReadOnlyList<string>? Strengths { get; init; }

    /// <summary>Last epochs in which nothing is mixed or erased. Range: 0 to the number of epochs. Default 0.</summary>
    public int CleanTail { get; init; }

    /// <summary>
    /// Keep the clean images in the loss beside the mixed ones, half of the loss each; with Mixup, RegMixup. A step costs twice as much.
    /// Default false.
    /// </summary>
    public bool CleanHalf { get; init; }

    /// <summary>Seed of everything random in the run. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Epochs. Range 0 to 100,000; 0 takes <see cref="Weights"/> as they are: they are tested and become a finished run. Default 20.
    /// </summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Images a batch, of all ranks together. Range 1 to 65,536, and at least two for each rank. Default 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Batches of batchSize whose gradients make one step; they are assembled and mixed as one. Range 1 to 1,024. Default 1.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Optimizer: sgd (Nesterov), adam or adamw. Default adam.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>
    /// Learning rate, the highest one of the schedule. Range: positive. Null: 0.1 for sgd; 0.001 otherwise, 0.01 at the peak of onecycle;
    /// 0.3 of it where weights are given to begin with.
    /// </summary>
    public double? Lr { get; init; }

    /// <summary>
    /// What the learning rate is multiplied by from each stage of the network to the one before. Range (0, 1]. Default 1: all have the
    /// same.
    /// </summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Weight decay. Range: 0 or more. Null: 1e-4 for sgd, 0 for adam, 0.01 for adamw.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Leave biases and the scales and shifts of BatchNorm out of the weight decay. Default false.</summary>
    public bool NoVectorDecay { get; init; }

    /// <summary>Momentum of sgd. Range [0, 1). Default 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Learning rate schedule. Default onecycle.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.OneCycle;

    /// <summary>Epochs at which the multistep schedule multiplies the rate by 0.1; null: at one half and at three quarters.</summary>
    public IReadOnlyList<int>? Milestones { get; init; }

    /// <summary>Epochs of linear warm-up. Range: 0 or more. Default 0.</summary>
    public double Warmup { get; init; }

    /// <summary>Largest norm of the gradient; null does not clip. Range: positive.</summary>
    public double? Clip { get; init; }

    /// <summary>
    /// Decay of an exponential moving average of the weights, which validation, test and <c>best.safetensors</c> then use; null keeps none.
    /// 0.9998 is usual for long runs. Range: above 0, below 1.
    /// </summary>
    public double? Ema { get; init; }

    /// <summary>Loss: crossentropy, binary (cross entropy, a yes or no for each class) or focal (γ 2). Default crossentropy.</summary>
    public LossKind Loss { get; init; } = LossKind.CrossEntropy;

    /// <summary>Label smoothing ε of the loss. Range [0, 1). Default 0.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// Weights of classes in the loss: <c>balanced</c> (inverse to the number of training images), <c>effective</c> or <c>effective:β</c>
    /// (Cui et al. 2019, β 0.999), or a file with a class and its weight in each line. Null: all alike. Validation and test are not
    /// weighted.
    /// </summary>
    public string? ClassWeights
    {
        get;
        init => field = value is not null && RecipeClassWeights.IsName(Id(value)) ? Id(value) : value;
    }

    /// <summary>Show every class equally often in training: see <see cref="LoaderOptions.Balanced"/>. Default false.</summary>
    public bool Balanced { get; init; }

    /// <summary>Pixels of padding for the random crop; 0 does not crop. Range 0 to 64. Default 0.</summary>
    public int Crop { get; init; }

    /// <summary>Mirror training images at random. Default false.</summary>
    public bool Flip { get; init; }

    /// <summary>
    /// Random resized crop of training images: the least share of the picture's area, 0.08 for ImageNet; null takes the whole picture.
    /// Range (0, 1].
    /// </summary>
    public double? ResizedCrop { get; init; }

    /// <summary>
    /// Strength of random brightness, contrast and saturation of training images; 0 leaves them. Range: 0 or more. Default 0.
    /// </summary>
    public double ColorJitter { get; init; }

    /// <summary>Training images to use, a fixed stratified choice, the same for every seed; null: all. Range: at least 2.</summary>
    public int? Subset { get; init; }

    /// <summary>
    /// Training images to use of each class, a fixed choice, the same for every seed and part of that of a larger number; null: all. Range:
    /// at least 2.
    /// </summary>
    public int? PerClass { get; init; }

    /// <summary>
    /// Cross-validation: the images are dealt into so many folds, each class evenly, and the run of a seed tests on fold (seed - 1) mod
    /// folds, trains on the others and validates on a part of them; a test part that the set has of its own is not used. Null: none. Range:
    /// 2 to 100.
    /// </summary>
    public int? Folds { get; init; }

    /// <summary>
    /// Share of the training set kept for validation, in (0, 1), or <c>test</c> to validate on the test set as the paper did, which is then
    /// stamped on every number. Null: the images that the set itself keeps for validation, or else 0.1.
    /// </summary>
    [JsonConverter(typeof(TextOrNumber))]
    public string? Validation { get; init => field = value is null ? null : Id(value); }

    /// <summary>Epochs without a lower validation error after which the run ends; null: it never ends early. Range: at least 1.</summary>
    public int? EarlyStop { get; init; }

    /// <summary>
    /// Torch threads; 0: as many as the machine has cores, or one where a batch is too little work to share out, as with ResNet-8 on images
    /// of 32×32. The number that was used is stored and used again on resume. Default 0.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>
    /// Processes that train together, as a launcher of MPI started them. It is written into a run and is not asked for: a run that is
    /// resumed with another number of them goes on, equal to rounding. Default 1.
    /// </summary>
    public int Ranks { get; init; } = 1;

    /// <summary>
    /// With several ranks: BatchNorm measures mean and variance over the images of all ranks, not over each rank's own. Default false.
    /// </summary>
    public bool SyncBatchnorm { get; init; }

    /// <summary>
    /// What training and validation compute in: float32, bfloat16 (convolutions and matrix products), or auto, which is bfloat16 where the
    /// hardware computes in it. What was chosen is stored and used again on resume. The test is in float32. Default auto.
    /// </summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>cpu, cuda or cuda:N. Default cpu.</summary>
    public string Device { get; init => field = Id(value); } = "cpu";

    /// <summary>Steps between checkpoints inside an epoch; 0: after each epoch only. Default 0.</summary>
    public int CheckpointEvery { get; init; }

    // Ids may be written in any case.
    private static string Id(string text) => text.Trim().ToLowerInvariant();
}
