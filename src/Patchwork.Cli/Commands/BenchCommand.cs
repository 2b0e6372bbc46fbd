using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Benchmarks;
using Patchwork.Cli.Terminal;
using Patchwork.Runs;

namespace Patchwork.Cli.Commands;

/// <summary>
/// <c>bench</c>: the project's own speed ratios in at most 45 s, or with <c>--training</c>, <c>--methods</c> or <c>--evaluation</c> those
/// of one part in several minutes.
/// </summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        var common = new CommonOptions();
        var training = new Option<bool>("--training")
        {
            Description = "instead: the effect of precision, threads and scaled decoding of photographs; several minutes",
        };
        var methods = new Option<bool>("--methods") { Description = "instead: the cost of each method per training step; several minutes" };
        var evaluation = new Option<bool>("--evaluation")
        {
            Description = "instead: the cost of each suite over the bare forward passes; several minutes",
        };
        var command = new Verb("bench", "Measures Patchwork's relative speed on this machine, interleaved in one process, in at most 45 s.",
            new("patchwork bench", "mixing against a copy of the batch, and its share of a training step"),
            new("patchwork bench --methods", "the cost of each method per training step"))
        {
            training, methods, evaluation,
        };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            if (parsed.GetValue(methods))
            {
                PrintMethods(parsed.Output, common.Json(parsed));
                return 0;
            }
            if (parsed.GetValue(evaluation))
            {
                PrintEvaluation(parsed.Output, common.Json(parsed));
                return 0;
            }
            var (ratios, rates) = parsed.GetValue(training) ? (TrainingBench.Run(), []) : Measure();
            if (common.Json(parsed))
                parsed.Output.WriteLine(Describe(ratios, rates).ToIndented());
            else
                Print(parsed.Output, ratios, rates);
            return 0;
        });
        return command;
    }

    private static void PrintMethods(TextWriter output, bool json)
    {
        var all = new List<MethodCosts>();
        foreach (var (model, batch, side, seconds) in ((string, int, int, int)[])[("resnet20", 128, 32, 40), ("resnet18", 64, 224, 120),
            ("cct-2-3x2", 128, 32, 20)])
        {
            var costs = MethodBench.Run(model, batch, side, TimeSpan.FromSeconds(seconds));
            all.Add(costs);
            if (json)
                continue;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{costs.Model}, batch {costs.Batch}×3×{costs.Side}×{costs.Side}, plain step {costs.StepSeconds:F3} s: time of a "
                    + $"step with the method / without it; time of the method / one copy_"));
            foreach (var (method, step, copies) in costs.Costs)
            {
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{method,-16} {step.Median,7:F4}   quartiles {step.LowerQuartile:F4}, {step.UpperQuartile:F4}")
                    + string.Create(CultureInfo.InvariantCulture,
                        $"   {copies.Median,7:F2}   quartiles {copies.LowerQuartile:F2}, {copies.UpperQuartile:F2}"));
            }
        }
        if (json)
        {
            var described = new JsonObject
            {
                ["costs"] = new JsonArray([.. all.Select(Describe)]),
                ["environment"] =
                Provenance.Describe()
            };
            output.WriteLine(described.ToIndented());
        }
    }

    private static void PrintEvaluation(TextWriter output, bool json)
    {
        const string model = "resnet8";
        const int images = 500;
        var costs = EvaluationBench.Run(model, images, rounds: 4);
        if (json)
        {
            output.WriteLine(new JsonObject
            {
                ["model"] = model,
                ["test_images"] = images,
                ["suites"] = new JsonObject(costs.Select(cost => KeyValuePair.Create(cost.Suite, (JsonNode?)new JsonObject
                {
                    ["forward_passes"] = cost.Forward,
                    ["backward_passes"] = cost.Backward,
                    ["seconds"] = Math.Round(cost.Seconds, 3),
                    ["over_bare_passes"] = Describe(cost.OverPasses),
                }))),
                ["environment"] = Provenance.Describe(),
            }.ToIndented());
            return;
        }
        output.WriteLine($"{model}, {images} test images of {EvaluationBench.DatasetId}: "
            + "seconds per suite, and their ratio to the bare passes that it makes");
        foreach (var (suite, forward, backward, seconds, ratio) in costs)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{suite,-13} {seconds,7:F2} s   {ratio.Median,6:F2}   quartiles {ratio.LowerQuartile:F2}, {ratio.UpperQuartile:F2}   "
                    + $"{forward:N0} forward, {backward:N0} backward"));
        }
    }

    private static JsonObject Describe(SpeedRatio ratio) => new()
    {
        ["median"] = Math.Round(ratio.Median, 5),
        ["lower"] = Math.Round(ratio.LowerQuartile, 5),
        ["upper"] = Math.Round(ratio.UpperQuartile, 5),
        ["rounds"] = ratio.Rounds,
    };

    private static JsonObject Describe(MethodCosts costs)
    {
        var methods = new JsonObject();
        foreach (var (method, step, copies) in costs.Costs)
        {
            methods[method] = new JsonObject { ["step_with_over_without"] = Describe(step), ["over_copy"] = Describe(copies) };
        }
        return new JsonObject
        {
            ["model"] = costs.Model,
            ["images"] = $"{costs.Batch}×3×{costs.Side}×{costs.Side}",
            ["plain_step_seconds"] = Math.Round(costs.StepSeconds, 4),
            ["methods"] = methods,
        };
    }

    private static (IReadOnlyList<NamedRatio> Ratios, JpegSpeed[] Rates) Measure()
    {
        var (overCopy, usual) = SpeedBench.InPlace(TimeSpan.FromSeconds(7));
        var step = SpeedBench.Step(TimeSpan.FromSeconds(8));
        var loader = SpeedBench.Loader(TimeSpan.FromSeconds(6));
        var inMemory = SpeedBench.LoaderInMemory(TimeSpan.FromSeconds(3));
        var jpeg = JpegBench.IsPossible ? ((int[])[1, 2]).Select(threads => JpegBench.Measure(threads, TimeSpan.FromSeconds(3))).ToArray()
            : [];
        return (
        [
            new("cutmix_in_place_over_copy", "256×3×224×224, half-area box, over one copy_ of the batch", overCopy),
            new("usual_over_cutmix_in_place", "x[:, :, box] = x[permutation][:, :, box], over CutMix in place", usual),
            new("step_with_cutmix_over_without", "ResNet-20 training step, batch 128: 1 + time in mixing / time of the step", step),
            new("loader_with_cutmix_over_without", "loader's epoch of JPEG pictures, 224×224, crop and mirroring", loader),
            new("memory_loader_with_cutmix_over_without", "loader's epoch of 10,000 images of 32×32 in memory, crop and mirroring",
                inMemory),
            .. jpeg.Select(speed => new NamedRatio($"jpeg_decoding_over_libturbojpeg_{speed.Threads}_threads",
                "our decoder's images/s, files of 384×512 from disk, over libturbojpeg's from memory", speed.DecodingRatio)),
            .. jpeg.Select(speed => new NamedRatio($"jpeg_pipeline_over_libturbojpeg_{speed.Threads}_threads",
                "images/s into mixed, normalized batches of 224×224, over decoding alone", speed.PipelineRatio)),
        ], jpeg);
    }

    private static JsonObject Describe(IReadOnlyList<NamedRatio> ratios, JpegSpeed[] jpeg)
    {
        var (medians, quartiles) = (new JsonObject(), new JsonObject());
        foreach (var (name, _, ratio) in ratios)
        {
            medians[name] = ratio.Median;
            quartiles[name] = new JsonObject
            {
                ["lower"] = ratio.LowerQuartile,
                ["upper"] = ratio.UpperQuartile,
                ["rounds"] =
                ratio.Rounds
            };
        }
        var rates = new JsonArray([.. jpeg.Select(speed => new JsonObject
        {
            ["threads"] = speed.Threads,
            ["decoding_images_per_second"] = Math.Round(speed.Decoding, 1),
            ["pipeline_images_per_second"] = Math.Round(speed.Pipeline, 1),
            ["libturbojpeg_images_per_second"] = Math.Round(speed.LibTurboJpeg, 1),
        })]);
        return new JsonObject
        {
            ["ratios"] = medians,
            ["quartiles"] = quartiles,
            ["jpeg"] = rates,
            ["environment"] =
            Provenance.Describe()
        };
    }

    private static void Print(TextWriter output, IReadOnlyList<NamedRatio> ratios, JpegSpeed[] jpeg)
    {
        foreach (var (name, meaning, ratio) in ratios)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-40} {ratio.Median,7:F3}   quartiles {ratio.LowerQuartile:F3}, {ratio.UpperQuartile:F3}\n    {meaning}"));
        }
        foreach (var speed in jpeg)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"JPEG, {speed.Threads} threads: {speed.Decoding:F0} images/s decoded, {speed.Pipeline:F0} into batches; libturbojpeg "
                    + $"alone {speed.LibTurboJpeg:F0}"));
        }
    }
}
