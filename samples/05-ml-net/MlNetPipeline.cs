using System.Text.Json.Nodes;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Transforms.Image;

namespace Patchwork.Samples;

/// <summary>
/// Loads, resizes and scores pictures with ML.NET alone; no package of Patchwork is needed. ML.NET resizes differently, so results for
/// large pictures differ slightly from those of training; where that matters, classify with <c>Patchwork.Onnx</c>.
/// </summary>
public static class MlNetPipeline
{
    /// <summary>Returns the best class of each picture.</summary>
    /// <param name="file">A file that <c>patchwork export</c> wrote, with pixels as its input.</param>
    /// <param name="pictures">Paths of pictures.</param>
    public static IReadOnlyList<Scored> Score(string file, IReadOnlyList<string> pictures)
    {
        var (classes, height, width) = Card(file);
        var context = new MLContext();
        var pipeline = context.Transforms.LoadImages("image", imageFolder: "", nameof(Row.Path))
            .Append(context.Transforms.ResizeImages("image", width, height, resizing: ImageResizingEstimator.ResizingKind.IsoCrop))
            // bytes, row by row, with red, green and blue interleaved
            .Append(context.Transforms.ExtractPixels("input", "image", interleavePixelColors: true, outputAsFloatArray: false))
            .Append(context.Transforms.ApplyOnnxModel(["probabilities"], ["input"], file,
                new Dictionary<string, int[]> { ["input"] = [1, height, width, 3] }, recursionLimit: 10));
        var rows = context.Data.LoadFromEnumerable(pictures.Select(path => new Row { Path = path }));
        var scored = pipeline.Fit(rows).Transform(rows);
        return [.. scored.GetColumn<float[]>("probabilities").Zip(pictures, (shares, path) =>
            new Scored(path, classes[Array.IndexOf(shares, shares.Max())], shares.Max()))];
    }

    // The card in the file's metadata.
    private static (string[] Classes, int Height, int Width) Card(string file)
    {
        using var session = new InferenceSession(file);
        var card = JsonNode.Parse(session.ModelMetadata.CustomMetadataMap["patchwork.card"])!;
        return ([.. card["classes"]!.AsArray().Select(name => (string)name!)], (int)card["height"]!, (int)card["width"]!);
    }

    private sealed class Row
    {
        public string Path { get; set; } = "";
    }
}

/// <summary>The best class of a picture.</summary>
/// <param name="Path">Path of the picture.</param>
/// <param name="Class">The best class.</param>
/// <param name="Probability">From 0 to 1.</param>
public sealed record Scored(string Path, string Class, float Probability);
