using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Formats;
using Patchwork.Inference;
using Patchwork.Internals;
using Patchwork.Models;
using Patchwork.Reporting;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>
/// Exports a trained network as a folder of weights for other programs: <c>model.safetensors</c> with torchvision's and timm's parameter
/// names, and a description of the network's input and output.
/// </summary>
public static class WeightsExport
{
    /// <summary>Writes <c>model.safetensors</c> and <c>model.json</c>, the <see cref="ModelCard"/>.</summary>
    /// <param name="network">The network; the caller keeps ownership.</param>
    /// <param name="folder">The path of the folder; must not exist. It is created atomically.</param>
    /// <exception cref="InputException">The folder exists, or cannot be written.</exception>
    public static void WriteSafetensors(Predictor network, string folder) => AtomicFolder.Create(folder, "An export", "", aside =>
    {
        Safetensors.Save(Path.Combine(aside, "model.safetensors"), network.Model.state_dict());
        AtomicFile.WriteText(Path.Combine(aside, "model.json"), network.Card.ToJson() + "\n");
    });

    /// <summary>
    /// Writes the layout of timm and Hugging Face: <c>model.safetensors</c>, <c>config.json</c>, from which timm builds the network and its
    /// transform, and <c>README.md</c>, a model card with the measured results.
    /// </summary>
    /// <param name="network">A ResNet with the ImageNet stem, which timm has too; the caller keeps ownership.</param>
    /// <param name="folder">The path of the folder; must not exist. It is created atomically.</param>
    /// <param name="run">The run that the network is from, for the measured results; null if there is none, or it has not ended.</param>
    /// <exception cref="InputException">
    /// timm has no such network, or its network computes something else; or the folder exists or cannot be written.
    /// </exception>
    public static void WriteTimm(Predictor network, string folder, RunFolder? run = null)
    {
        if (network.Model is not ResNet { Stem: Stem.ImageNet } resnet)
            throw new InputException("The timm format supports only ResNet-18, 34 and 50 with the ImageNet stem. Received: "
                + $"{network.Card.Model}{(network.Model is ResNet ? " with the small stem" : "")}. Write safetensors or ONNX instead.");
        RequirePlain(resnet, network.Card);
        var config = TimmConfig(resnet, network.Card).ToJsonString(IndentedJson.Options) + "\n";
        var readme = Readme(network, run is { Finished: true } ? run : null, Path.GetFileName(Path.GetFullPath(folder)));
        AtomicFolder.Create(folder, "An export", "", aside =>
        {
            Safetensors.Save(Path.Combine(aside, "model.safetensors"), resnet.state_dict());
            AtomicFile.WriteText(Path.Combine(aside, "config.json"), config);
            AtomicFile.WriteText(Path.Combine(aside, "README.md"), readme);
        });
    }

    // A network that drops or scales branches in evaluation too has no counterpart in timm.
    private static void RequirePlain(ResNet model, ModelCard card)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        using var plain = (card with { Method = Mixing.Methods.Baseline, DropProbability = null, Options = null }).CreateModel();
        plain.load_state_dict(model.state_dict());
        plain.eval();
        var noise = zeros(1, card.Channels, card.Height, card.Width).uniform_(-1, 1);
        if (plain.call(noise).sub(model.call(noise)).abs().max().item<float>() > 1e-4f)
            throw new InputException($"timm has only the plain network. Received: one with {card.Method}, which scales its branches in "
                + "evaluation too. Write ONNX instead.");
    }

    // https://huggingface.co/docs/timm: models/_hub.py reads it.
    private static JsonObject TimmConfig(ResNet model, ModelCard card)
    {
        static JsonArray Array<T>(IEnumerable<T> values) => new([.. values.Select(value => (JsonNode)JsonValue.Create(value)!)]);
        var config = new JsonObject
        {
            ["architecture"] = model.Id.Split('-')[0],
            ["num_classes"] = card.Classes.Count,
            ["num_features"] = (int)model.get_parameter("fc.weight")!.size(1),
            ["label_names"] = Array(card.Classes),
            ["model_args"] = new JsonObject { ["layers"] = Array(model.Blocks), ["in_chans"] = card.Channels },
            ["pretrained_cfg"] = new JsonObject
            {
                ["custom_load"] = false,
                ["input_size"] = Array([card.Channels, card.Height, card.Width]),
                ["fixed_input_size"] = false,
                ["interpolation"] = "bilinear",
                ["crop_pct"] = card.CenterCrop,
                ["crop_mode"] = "center",
                ["mean"] = Array(card.Mean),
                ["std"] = Array(card.StandardDeviation),
                ["num_classes"] = card.Classes.Count,
                ["first_conv"] = "conv1",
                ["classifier"] = "fc",
            },
        };
        if (card.Temperature is { } temperature)
            config["temperature"] = temperature;
        return config;
    }

    private static string Readme(Predictor network, RunFolder? run, string name)
    {
        static string Quoted(string text) => JsonSerializer.Serialize(text);      // valid in YAML too
        var (card, result) = (network.Card, run?.ReadResult());
        var score = network.Which == WeightsOf.BestEpoch ? result?.Best : result?.Last;
        var text = new StringBuilder("---\nlibrary_name: timm\npipeline_tag: image-classification\n"
            + "tags:\n- image-classification\n- timm\n");
        if (score is not null)
        {
            var metric = card.MultiLabel ? "mAP" : "accuracy";
            text.Append($"""
                metrics:
                - {metric}
                model-index:
                - name: {Quoted(name)}
                  results:
                  - task:
                      type: image-classification
                    dataset:
                      name: {Quoted(run!.Recipe.Dataset)}
                      type: {Quoted(run.Recipe.Dataset)}
                      split: test
                    metrics:
                    - type: {metric}
                      value: {Number(1 - score.Error)}

                """.ReplaceLineEndings("\n"));
        }
        text.Append($"---\n# {name}\n\n{card.Model}, trained with Patchwork {card.Version?.Split('+')[0]} to distinguish ")
            .Append($"{card.Classes.Count} classes: {string.Join(", ", card.Classes)}.\n\n");
        text.Append($"- Input: {card.Channels}×{card.Height}×{card.Width}, values from 0 to 1, minus the mean and divided by the standard "
            + $"deviation in `config.json`; the shorter side is resized (bilinear, with antialiasing) and the center is cropped.\n"
            + $"- Output: one logit per class{(card.MultiLabel ? "; probabilities are their sigmoid" : card.Temperature is { } degree
                ? $"; probabilities are their softmax at temperature {Number(degree)}, fitted on validation images" : "")}.\n");
        if (card.Seed is { } seed)
            text.Append($"- Seed {seed}; SHA-256 of the training images `{card.Data}`.\n");
        if (score is not null)
            text.Append("\n## Measured\n\n").Append(Measured(run!, result!, score).ToMarkdown()).Append(
                $"\nOn test images of {run!.Recipe.Dataset}, after epoch {score.Epoch} of {result!.Epochs}; method {run.Recipe.Method}. "
                    + "Shares are between 0 and 1.\n");
        return text.ToString();
    }

    // The results of the run's test, and those of an evaluation if it used the same weights.
    private static ResultTable Measured(RunFolder run, RunResult result, TestScore score)
    {
        List<IReadOnlyList<string>> rows = [[run.Recipe.ValidatesOnTest ? "test error, epoch chosen on the test images" : "test error",
            Number(score.Error), "", Count(result.TestImages)]];
        if (score.MeanAveragePrecision is null)
            rows.Add(["top-5 test error", Number(score.Top5Error), "", Count(result.TestImages)]);
        var evaluation = new EvaluationFiles(run).Summary;
        if (score.Epoch == result.Last.Epoch && File.Exists(evaluation))
        {
            foreach (var (suite, metrics) in JsonNode.Parse(File.ReadAllText(evaluation))!.AsObject())
            {
                foreach (var (id, metric) in metrics!.AsObject().Where(one => one.Value!["value"] is not null
                    && !one.Key.StartsWith("best_", StringComparison.Ordinal)))      // the same weights again
                    rows.Add([$"{suite}: {id}", Number((double)metric!["value"]!), metric["ci95"] is JsonArray { Count: 2 } ends
                        ? $"{Number((double)ends[0]!)} to {Number((double)ends[1]!)}" : "", Count((long)metric["n"]!)]);
            }
        }
        return new([new("measured"), new("value", Alignment.Right), new("95 % over the images"),
            new("images", Alignment.Right)], rows);

        static string Count(long images) => images.ToString(CultureInfo.InvariantCulture);
    }

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
