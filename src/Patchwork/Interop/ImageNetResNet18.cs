using Patchwork.Data;
using Patchwork.Formats;
using static TorchSharp.torch;

namespace Patchwork.Interop;

/// <summary>
/// A ResNet-18 trained on ImageNet, from the NuGet package <c>Microsoft.ML.DnnImageFeaturizer.ResNet18</c> (MIT): an ONNX graph of basic
/// blocks [2, 2, 2, 3] without a classifier, made by CNTK. The graph expects blue, green and red from 0 to 255 minus their means; both are
/// folded into the first convolution, so that the network accepts normalized RGB like any other.
/// </summary>
public static class ImageNetResNet18
{
    /// <summary>Name of the weights in recipes and on the command line.</summary>
    public const string Id = "imagenet";

    /// <summary>Name of the network that the weights belong to.</summary>
    public const string Model = "resnet18-imagenet";

    /// <summary>Rows and columns of the images that they were trained on.</summary>
    public const int ImageSize = 224;

    /// <summary>The package that contains them.</summary>
    public const string Package = "Microsoft.ML.DnnImageFeaturizer.ResNet18";

    private const string Version = "0.23.1", FileName = "ResNet18.onnx";

    private const int Layers = 22;      // convolutions, each followed by a batch norm

    private static readonly int[] Blocks = [2, 2, 2, 3];
    private static readonly string[] NormParts = ["weight", "bias", "running_mean", "running_var"];

    /// <summary>
    /// The normalization of its images: the means of the package's own preprocessing, and ImageNet's usual standard deviations.
    /// </summary>
    public static Normalization Normalization { get; } =
        new([123.15f / 255, 115.90f / 255, 103.06f / 255], Normalization.ImageNet.StandardDeviation);

    /// <summary>Finds the file of the weights; null if the package is not installed.</summary>
    /// <remarks>
    /// The search covers the program's folder, where a project that references the package has the file; the current folder, where
    /// <c>dotnet package download</c> puts it; and the global packages folder.
    /// </remarks>
    public static string? Find()
    {
        var folder = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } given ? given
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string[] packages = [.. new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory, folder }
            .Select(place => Path.Combine(place, Package.ToLowerInvariant())).Where(Directory.Exists)
            .SelectMany(place => Directory.EnumerateDirectories(place).OrderDescending(StringComparer.Ordinal))];
        return new[] { Path.Combine(AppContext.BaseDirectory, "DnnImageModels", "ResNet18Onnx", FileName) }
            .Concat(packages.Select(package => Path.Combine(package, "tools", "DnnImageModels", "ResNet18Onnx", FileName)))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>The file of the weights that a recipe names: this package's file for <see cref="Id"/>, otherwise the path itself.</summary>
    /// <exception cref="InputException">The package is not installed.</exception>
    internal static string PathOf(string weights) => weights != Id ? weights : Find()
        ?? throw new InputException($"The weights '{Id}' come from the NuGet package {Package}, which is not on this machine. "
            + $"Get it with 'dotnet package download {Package}@{Version}' in this folder, or reference it in your project.");

    /// <summary>True for the graph of this package.</summary>
    internal static bool Is(OnnxWeights file) =>
        file.Nodes is [{ Operator: "Conv", Inputs: ["Input247", ..] }, ..]
        && file.Nodes.Count(node => node is { Operator: "Conv", Inputs.Count: 2 }) == Layers
        && file.Nodes.Count(node => node is { Operator: "BatchNormalization", Inputs.Count: 5 }) == Layers;

    /// <summary>The tensors by their names in this library, each read from the graph on request.</summary>
    internal static IReadOnlyDictionary<string, Func<Tensor>> Tensors(OnnxWeights file)
    {
        var tensors = new Dictionary<string, Func<Tensor>>(StringComparer.Ordinal);
        var nodes = new Queue<OnnxNode>(file.Nodes.Where(node => node.Operator is "Conv" or "BatchNormalization"));
        void Take(string convolution, string norm)
        {
            var (weight, scale) = (nodes.Dequeue().Inputs[1], nodes.Dequeue().Inputs);
            tensors[$"{convolution}.weight"] = () => file[weight];
            foreach (var (part, name) in NormParts.Zip(scale.Skip(1)))
                tensors[$"{norm}.{part}"] = () => file[name];
        }
        Take("conv1", "bn1");
        var first = tensors["conv1.weight"];
        tensors["conv1.weight"] = () => Folded(first());
        for (var stage = 1; stage <= Blocks.Length; stage++)
        {
            for (var block = 0; block < Blocks[stage - 1]; block++)
            {
                var name = $"layer{stage}.{block}";
                if (stage > 1 && block == 0)
                    Take($"{name}.downsample.0", $"{name}.downsample.1");
                Take($"{name}.conv1", $"{name}.bn1");
                Take($"{name}.conv2", $"{name}.bn2");
            }
        }
        return tensors;
    }

    // The input becomes x = (p/255 - m)/s of red, green and blue instead of p - 255·m of blue, green and red: w·(p - 255·m) = 255·s·w·x.
    private static Tensor Folded(Tensor weight)
    {
        using var scope = NewDisposeScope();
        float[] scales = [.. Normalization.StandardDeviation.Select(deviation => 255 * deviation)];
        var folded = weight.DetachFromDisposeScope().flip(1).mul(tensor(scales).view(1, 3, 1, 1));
        weight.Dispose();
        return folded.DetachFromDisposeScope();
    }
}
