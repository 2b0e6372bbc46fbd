using System.Text.Json.Serialization;
using Patchwork.Data;
using Patchwork.Mixing;
using Patchwork.Models;

namespace Patchwork.Recipes;

/// <summary>
/// A run described as data: every training flag of the command line is a key here, under the same name (<c>--batch-size</c>,
/// <c>batchSize</c>). The same recipe on the same kind of machine gives bit-identical weights.
/// </summary>
public sealed partial record Recipe
{
    /// <summary>Version of this format. Always 1.</summary>
    public int Version { get; init; } = 1;

    /// <summary>Data set id. Default <c>clothing</c>, photographs embedded in the library.</summary>
    public string Dataset { get; init => field = Id(value); } = "clothing";

    /// <summary>The data set's folder or its parent; null looks in <c>$PATCHWORK_DATA</c>, then in the user's cache.</summary>
    public string? Data { get; init; }

    /// <summary>Skip damaged images of a folder instead of rejecting the folder. Default false.</summary>
    public bool SkipDamaged { get; init; }

    /// <summary>For a list of images: the folder that its paths are relative to. Null: the list's own folder.</summary>
    public string? Images { get; init; }

    /// <summary>
    /// For a list of images: its columns, by name or by number from 1, such as <c>path=1,label=3,split=part</c>. Null: the columns with the
    /// usual names.
    /// </summary>
    public string? Columns { get; init; }

    /// <summary>
    /// For a list of images: a file with one class name per line, for labels that are class numbers from 0. Null: the labels are the class
    /// names.
    /// </summary>
    public string? ClassNames { get; init; }

    /// <summary>
    /// For a list of images: true if an image may show several classes or none; null: true if any cell holds several labels, separated by
    /// <c>|</c> or <c>;</c>. The loss is then binary cross entropy, or the focal loss for each class, and errors are 1 minus the mean
    /// average precision.
    /// </summary>
    public bool? MultiLabel { get; init; }

    /// <summary>
    /// With several labels per image: the target of a mixed image is 1 for every class that either image shows, whatever its area; false
    /// weights the classes by λ. Default false.
    /// </summary>
    public bool UnionLabels { get; init; }

    /// <summary>
    /// Height and width that the images of a resizable set are resized to; null: the set's own size, 32 for <c>clothing</c>, 64 for a
    /// folder and <c>tinyimagenet</c>. Range 8 to 1024.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// Center crop: the share of the sides of an image's central square that is kept, for sets of image files; 0.875 is "resize to 256,
    /// keep 224". Range (0, 1]. Default 1.
    /// </summary>
    public double CenterCrop { get; init; } = 1;

    /// <summary>
    /// Decode JPEG files at 1/2, 1/4 or 1/8 of their size if that leaves at least twice the size needed, for sets of image files. Null:
    /// true, which a run stores; runs from before this key existed decode at full size.
    /// </summary>
    public bool? ScaledDecoding { get; init; }

    /// <summary>
    /// How images are normalized: <c>imagenet</c>, or the means of the channels, a slash and their standard deviations, such as
    /// <c>0.5,0.5,0.5/0.25,0.25,0.25</c>. Null: the normalization of the weights if it is known, otherwise the data set's.
    /// </summary>
    public string? Normalization { get; init; }

    /// <summary>Model id. Default <c>resnet8</c>.</summary>
    public string Model { get; init => field = Id(value); } = "resnet8";

    /// <summary>
    /// The first layers of <c>resnet18</c>, <c>resnet34</c>, <c>resnet50</c> and <c>resnet18-imagenet</c>: small or imagenet. Null: those
    /// of the weights, otherwise chosen by image size: small below 64 pixels.
    /// </summary>
    public Stem? Stem { get; init; }

    /// <summary>
    /// Weights that training starts from: a safetensors file, a PyTorch state dict, an ONNX model, or <c>imagenet</c> (see
    /// <see cref="Interop.ImageNetResNet18"/>). Tensors are matched by name; layers that do not fit, such as a last layer for other
    /// classes, start fresh. Null: all layers start fresh. A comparison replaces <c>{method}</c> and <c>{seed}</c> with each run's method,
    /// as in the name of its folder, and seed.
    /// </summary>
    public string? Weights { get; init; }

    /// <summary>Train only the last linear layer, on frozen features: a linear probe. Default false.</summary>
    public bool Freeze { get; init; }

    /// <summary>
    /// Number of epochs at the start in which only the last linear layer is trained. Range: 0 to the number of epochs. Default 0.
    /// </summary>
    public int FreezeEpochs { get; init; }

    /// <summary>
    /// Freeze the BatchNorm statistics of <see cref="Weights"/>: training normalizes by them and does not update them. Default false.
    /// </summary>
    public bool FreezeNorm { get; init; }

    /// <summary>
    /// Method id, or <c>baseline</c>. Methods that work together are joined by <c>+</c>; mixers of which one is chosen for each batch are
    /// joined by <c>-or-</c> and may have weights: <c>mixup:0.3-or-cutmix:0.7</c>. Options may be part of a name:
    /// <c>cutmix:alpha=0.25</c>. Default <c>baseline</c>.
    /// </summary>
    public string Method { get; init => field = Id(value); } = Methods.Baseline;

    /// <summary>The method's α of Beta(α, α); null: the method's default. Range: positive.</summary>
    public double? Alpha { get; init; }

    /// <summary>The probability that the method mixes a batch or erases an image; null: the method's default. Range [0, 1].</summary>
    public double? Probability { get; init; }

    /// <summary>CutMix, Mixup: λ ← max(λ, 1-λ). Default false.</summary>
    public bool Fold { get; init; }

    /// <summary>One draw per batch, per pair or per image; null: the method's default.</summary>
    public Scope? Scope { get; init; }

    /// <summary>How partners are chosen; null: the method's default.</summary>
    public Partners? Partners { get; init; }

    /// <summary>
    /// Manifold Mixup, Feature CutMix: names of the model's layers to choose from, <c>input</c> for the images; null: the method's default
    /// stages of the model.
    /// </summary>
    public IReadOnlyList<string>? Layers { get; init; }

    /// <summary>
    /// DropBlock, stochastic depth, ShakeDrop: drop probability, that of the last block if it grows with depth; null: the method's default.
    /// Range [0, 1].
    /// </summary>
    public double? DropProbability { get; init; }

    /// <summary>
    /// Options of methods by name, as <c>patchwork methods NAME</c> shows them, with their values as text: <c>"level": "pixel"</c>,
    /// <c>"cutout.length": "8"</c>, <c>"sideRange": "0.1,0.8"</c>. A name without a method's id means the one method that has that option.
    /// Options override the other keys. Null: none.
    /// </summary>
    [JsonConverter(typeof(OptionTexts))]
    public IReadOnlyDictionary<string, string>? Options
    {
        get;
        init => field = value is { Count: > 0 } ? new SortedDictionary<string, string>(value.ToDictionary(), StringComparer.Ordinal) : null;
    }

    /// <summary>
    /// Strengths that change during the run: each text is a name (probability, alpha, dropProbability or labelSmoothing) and EPOCH:VALUE
    /// points with linear interpolation between them: <c>probability 0:0 30:1</c>; <c>alpha/step</c> changes every step instead of every
    /// epoch. Null: none changes.
    /// </summary>
    public IReadOnlyList<string>? Strengths { get; init; }

    /// <summary>Number of epochs at the end in which nothing is mixed or erased. Range: 0 to the number of epochs. Default 0.</summary>
    public int CleanTail { get; init; }

    /// <summary>
    /// Train on the clean images as well as the mixed ones, with half of the loss each; with Mixup this is RegMixup. A step costs twice as
    /// much. Default false.
    /// </summary>
    public bool CleanHalf { get; init; }

    /// <summary>
    /// η, weight of the terms of Decoupled Mixup (<see cref="Losses.Decoupled"/>) in the loss of mixed images; needs the cross entropy and
    /// one label per image. Range: 0 or more. Default 0: none.
    /// </summary>
    public double Decoupled { get; init; }

    /// <summary>Seed of all randomness in the run. Default 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>
    /// Number of epochs. Range 0 to 100,000; 0 leaves <see cref="Weights"/> unchanged: they are tested and become a finished run. Default
    /// 20.
    /// </summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Images per batch, over all ranks. Range 1 to 65,536, and at least two per rank. Default 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Number of batches of batchSize whose gradients are accumulated into one step; they are assembled and mixed as one batch. Range 1 to
    /// 1,024. Default 1.
    /// </summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Optimizer: sgd (Nesterov), adam or adamw. Default adam.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.Adam;

    /// <summary>
    /// Learning rate, the maximum of the schedule. Range: positive. Null: 0.1 for sgd; 0.001 otherwise, 0.01 at the peak of onecycle; 0.3
    /// times that when training starts from weights.
    /// </summary>
    public double? Lr { get; init; }

    /// <summary>
    /// Factor by which the learning rate changes from each stage of the network to the one before it. Range (0, 1]. Default 1: all stages
    /// have the same rate.
    /// </summary>
    public double LayerDecay { get; init; } = 1;

    /// <summary>Weight decay. Range: 0 or more. Null: 1e-4 for sgd, 0 for adam, 0.01 for adamw.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Exclude biases and the scales and shifts of BatchNorm from weight decay. Default false.</summary>
    public bool NoVectorDecay { get; init; }

    /// <summary>Momentum of sgd. Range [0, 1). Default 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Learning rate schedule. Default onecycle.</summary>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.OneCycle;

    /// <summary>
    /// Epochs at which the multistep schedule multiplies the rate by 0.1; null: at one half and at three quarters of the run.
    /// </summary>
    public IReadOnlyList<int>? Milestones { get; init; }

    /// <summary>Epochs of linear warm-up. Range: 0 or more. Default 0.</summary>
    public double Warmup { get; init; }

    /// <summary>Maximum norm of the gradient; null does not clip. Range: positive.</summary>
    public double? Clip { get; init; }

    /// <summary>
    /// Decay of an exponential moving average of the weights, which validation, test and <c>best.safetensors</c> then use; null: no
    /// average. 0.9998 is usual for long runs. Range: above 0, below 1.
    /// </summary>
    public double? Ema { get; init; }

    /// <summary>Loss: crossentropy, binary (binary cross entropy for each class) or focal (γ 2). Default crossentropy.</summary>
    public LossKind Loss { get; init; } = LossKind.CrossEntropy;

    /// <summary>Label smoothing ε of the loss. Range [0, 1). Default 0.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>
    /// Class weights in the loss: <c>balanced</c> (inverse to the number of training images), <c>effective</c> or <c>effective:β</c> (Cui
    /// et al. 2019, β 0.999), or a file with one class and its weight per line. Null: all classes weigh the same. Validation and test are
    /// not weighted.
    /// </summary>
    public string? ClassWeights
    {
        get;
        init => field = value is not null && RecipeClassWeights.IsName(Id(value)) ? Id(value) : value;
    }

    /// <summary>Sample every class equally often in training: see <see cref="LoaderOptions.Balanced"/>. Default false.</summary>
    public bool Balanced { get; init; }

    /// <summary>Pixels of padding for the random crop; 0 does not crop. Range 0 to 64. Default 0.</summary>
    public int Crop { get; init; }

    /// <summary>Flip training images horizontally at random. Default false.</summary>
    public bool Flip { get; init; }

    /// <summary>
    /// Random resized crop of training images: the minimum share of the image's area, 0.08 for ImageNet; null uses the whole image. Range
    /// (0, 1].
    /// </summary>
    public double? ResizedCrop { get; init; }

    /// <summary>
    /// Strength of random brightness, contrast and saturation of training images; 0 leaves them unchanged. Range: 0 or more. Default 0.
    /// </summary>
    public double ColorJitter { get; init; }

    /// <summary>
    /// Number of training images to use, a fixed stratified selection that is the same for every seed; null: all. Range: at least 2.
    /// </summary>
    public int? Subset { get; init; }

    /// <summary>
    /// Number of training images to use per class, a fixed selection that is the same for every seed and contained in the selection of any
    /// larger number; null: all. Range: at least 2.
    /// </summary>
    public int? PerClass { get; init; }

    /// <summary>
    /// Cross-validation: the number of folds that the images are split into, each class evenly. The run of a seed tests on fold (seed - 1)
    /// mod folds, trains on the others and validates on a part of them; the set's own test images are not used. Null: none. Range: 2 to
    /// 100.
    /// </summary>
    public int? Folds { get; init; }

    /// <summary>
    /// Share of the training set held out for validation, in (0, 1), or <c>test</c> to validate on the test set as the paper did, which
    /// every reported number then states. Null: the set's own validation images if it has any, otherwise 0.1.
    /// </summary>
    [JsonConverter(typeof(TextOrNumber))]
    public string? Validation { get; init => field = value is null ? null : Id(value); }

    /// <summary>
    /// Number of epochs without a lower validation error after which the run ends; null: it never ends early. Range: at least 1.
    /// </summary>
    public int? EarlyStop { get; init; }

    /// <summary>
    /// Number of torch threads; 0: as many as the machine has cores, or one if a batch is too little work to share, as with ResNet-8 on
    /// images of 32×32. The number used is stored and reused on resume. Default 0.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>
    /// Number of processes that train together, as an MPI launcher started them. A run records it and does not require it: a run can resume
    /// with another number of processes, with results equal up to rounding. Default 1.
    /// </summary>
    public int Ranks { get; init; } = 1;

    /// <summary>
    /// With several ranks: BatchNorm computes mean and variance over the images of all ranks, not over each rank's own. Default false.
    /// </summary>
    public bool SyncBatchnorm { get; init; }

    /// <summary>
    /// Precision of training and validation: float32, bfloat16 (convolutions and matrix products), or auto, which is bfloat16 where that
    /// is faster. The chosen precision is stored and reused on resume. The test runs in float32. Default auto.
    /// </summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>cpu, cuda or cuda:N. Default cpu.</summary>
    public string Device { get; init => field = Id(value); } = "cpu";

    /// <summary>Steps between checkpoints within an epoch; 0: only after each epoch. Default 0.</summary>
    public int CheckpointEvery { get; init; }

    // Ids may be written in any case.
    private static string Id(string text) => text.Trim().ToLowerInvariant();
}
