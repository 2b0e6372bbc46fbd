using System.Globalization;
using Patchwork.Comparisons;
using Patchwork.Mixing;

namespace Patchwork.Claims;

/// <summary>A comparison whose results the page of claims states.</summary>
/// <param name="Name">
/// The name of its files: <c>results/NAME.csv</c>, with suites also <c>NAME-evaluation.csv</c> and the others that <c>compare</c> writes.
/// </param>
/// <param name="Arguments">The arguments of <c>compare</c>, without the folder.</param>
public sealed record Experiment(string Name, string Arguments)
{
    // In bfloat16, because these take hours (docs/guide/speed.md); all other experiments are in float32.
    private const string Cifar = "--model resnet20 --epochs 30 --batch-size 64 --optimizer sgd --lr 0.1 --precision bfloat16 --threads 1 "
        + "--evaluate clean";

    // The pair that decides most comes first, because a seed of all four takes hours.
    private const string CifarMethods = "--methods baseline,cutmix:probability=0.5,mixup,cutmix";

    // One network for everything that needs many runs: the default experiment.
    private const string OnPhotographs = "--dataset clothing --precision float32 --threads 1";

    private const string Photographs = $"{OnPhotographs} --evaluate clean";

    private const string Weights = "results/weights";

    private const string TenSeeds = "--methods baseline,cutout,mixup,cutmix,cutmix:probability=0.5 --seeds 10";

    /// <summary>
    /// Whether the weights of every run are kept, in <c>results/weights</c>; then no run is trained twice. Default false.
    /// </summary>
    public bool KeepsWeights { get; init; }

    /// <summary>The command that repeats it.</summary>
    public string Command => $"patchwork compare {Arguments}";

    /// <summary>Its methods; <c>all</c> are those that work with ResNet-8, the network of the default experiment.</summary>
    public IReadOnlyList<string> Methods => Value("methods") is { } names and not "all" ? MethodStack.Split(names)
        : [Mixing.Methods.Baseline, .. Mixing.Methods.For("resnet8").Select(method => method.Id)];

    /// <summary>The number of its seeds.</summary>
    public int Seeds => int.Parse(Value("seeds")!, CultureInfo.InvariantCulture);

    /// <summary>
    /// The comparisons to run, each with the folder of its runs: the experiment itself, of stored networks those that are there; or, if it
    /// keeps its weights, for every two methods the runs that the results lack or have in another precision, a seed at a time (as many as
    /// two cores train at once), and then the measurement of the stored networks of all methods that are complete.
    /// </summary>
    /// <param name="results">What is there of the experiment.</param>
    public IReadOnlyList<(string Folder, string Arguments)> Steps(ResultFile results)
    {
        if (!KeepsWeights)
        {
            var there = Methods.Where(method => AllSeeds.All(seed => IsThere(method, seed))).ToArray();
            return there.Length == Methods.Count ? [(Name, Arguments)]
                : there.Length == 0 ? [] : [(Name, With(("methods", string.Join(',', there))))];
        }
        var steps = new List<(string Folder, string Arguments)>();
        var complete = Methods.Where(method => AllSeeds.All(seed => !Lacks(method, seed))).ToHashSet();
        foreach (var pair in Methods.Chunk(2))
        {
            (string, string)[] training =
            [
                .. from seed in AllSeeds
                   let lacking = pair.Where(method => Lacks(method, seed)).ToArray()
                   where lacking.Length > 0
                   select (Name, With(("methods", string.Join(',', lacking)), ("seeds", "1"), ("seed", $"{seed}"), ("evaluate", null))),
            ];
            complete.UnionWith(pair);
            steps.AddRange(training);
            if (training.Length > 0 || !pair.All(results.IsMeasured))
                steps.Add((Stored, With(("methods", string.Join(',', Methods.Where(complete.Contains))), ("weights", WeightsOf(Name)),
                    ("epochs", "0"))));
        }
        return steps;

        bool Lacks(string method, int seed) => results.PrecisionOf(method, seed) != Value("precision");
    }

    /// <summary>The folders of its runs and, if it keeps its weights, of the runs that measure the stored networks.</summary>
    public IReadOnlyList<string> Folders => KeepsWeights ? [Name, Stored] : [Name];

    private IEnumerable<int> AllSeeds => Enumerable.Range(1, Seeds);

    private bool IsThere(string method, int seed) => Value("weights") is not { } weights
        || !weights.EndsWith(".safetensors", StringComparison.Ordinal)
        || File.Exists(Comparison.WeightsOf(weights, method, (ulong)seed));

    private string Stored => $"{Name}-stored";

    private IEnumerable<string[]> Flags =>
        Arguments.Split("--", StringSplitOptions.RemoveEmptyEntries).Select(flag => flag.Trim().Split(' '));

    private string? Value(string flag) => Flags.SingleOrDefault(one => one[0] == flag)?[1];

    // The arguments with other values; a flag whose value is null is left out.
    private string With(params (string Flag, string? Value)[] others) => string.Join(' ',
    [
        .. Flags.Where(flag => others.All(other => other.Flag != flag[0])).Select(flag => $"--{string.Join(' ', flag)}"),
        .. others.Where(other => other.Value is not null).Select(other => $"--{other.Flag} {other.Value}"),
    ]);

    private static string WeightsOf(string experiment) => $"{Weights}/{experiment}-{{method}}-seed{{seed}}.safetensors";

    /// <summary>All experiments, in the order in which they run.</summary>
    public static IReadOnlyList<Experiment> All { get; } =
    [
        new("cifar10-full", $"--dataset cifar10 {CifarMethods} --seeds 3 --crop 4 --flip {Cifar}") { KeepsWeights = true },
        new("cifar100-full", $"--dataset cifar100 {CifarMethods} --seeds 3 --crop 4 --flip {Cifar}") { KeepsWeights = true },
        new("cifar10-full-plain", $"--dataset cifar10 {CifarMethods} --seeds 1 {Cifar}") { KeepsWeights = true },
        new("cifar100-full-plain", $"--dataset cifar100 {CifarMethods} --seeds 1 {Cifar}") { KeepsWeights = true },
        Beyond("cifar10", "cifar100"),
        Beyond("cifar100", "cifar10"),
        new("cifar100-10000-plain", $"--weights {Weights}/cifar100-10000-plain-resnet20-{{method}}.safetensors --epochs 0 "
            + "--dataset cifar100 --subset 10000 --model resnet20 --methods baseline,cutout,mixup,cutmix --seeds 1 "
            + $"--threads 1 {Everything("cifar10", images: 1000)}"),
        new("clothing-seeds", $"{TenSeeds} {Photographs}"),
        new("clothing-beyond", $"{TenSeeds} {OnPhotographs} {Everything("cifar10", images: 500)}"),      // the networks of clothing-seeds
        new("clothing-dose", $"--methods baseline,{string.Join(',', Doses)} {Photographs} --seeds 3"),
        new("clothing-hidden", "--methods baseline,cutmix,featurecutmix:layers=input,featurecutmix:layers=layer1,"
            + $"featurecutmix:layers=layer2,featurecutmix:layers=layer3 {Photographs} --seeds 3"),
        new("clothing-stacks", "--methods baseline,labelsmoothing,cutout,mixup,dropblock,manifoldmixup,cutout+labelsmoothing,"
            + $"mixup+labelsmoothing,dropblock+labelsmoothing,mixup+cutout,manifoldmixup+cutout {Photographs} --seeds 3"),
        // Enlarged to 112 pixels, so that the last feature map has 4x4 cells; in float32, because large networks diverge in bfloat16 here.
        new("tinyimagenet-pretrained", "--dataset tinyimagenet --subset 4000 --image-size 112 --weights imagenet "
            + "--methods baseline,cutmix --seeds 3 --epochs 5 --flip --precision float32 --threads 1 --evaluate clean,localization"),
        new("clothing-all", $"--methods all {Photographs} --seeds 3"),
    ];

    /// <summary>Every pair of a probability from ¼ to 1 and an α from 0.25 to 4; the paper's figure 3 varies α only.</summary>
    private static IEnumerable<string> Doses => from alpha in (string[])["0.25", "1", "4"]
                                                from probability in (string[])["0.25", "0.5", "0.75", "1"]
                                                select $"cutmix:alpha={alpha}:probability={probability}";

    // Everything beyond the test error, on the stored weights.
    private static Experiment Beyond(string dataset, string other) => new($"{dataset}-full-beyond",
        $"--weights {WeightsOf($"{dataset}-full")} --epochs 0 --dataset {dataset} --model resnet20 {CifarMethods} --seeds 3 --threads 1 "
        + Everything(other, images: 1000));

    private static string Everything(string other, int images) => $"--limit {images} "
        + $"--evaluate clean,calibration,ood,corruption,adversarial,occlusion,inbetween --out-sets {other},textures";
}
