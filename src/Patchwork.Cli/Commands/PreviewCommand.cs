using System.CommandLine;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Inference;
using Patchwork.Mixing;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Reporting;

namespace Patchwork.Cli.Commands;

/// <summary><c>preview</c>: draws what a method does as a PNG sheet.</summary>
internal static class PreviewCommand
{
    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "PNG file", HelpName = "FILE", DefaultValueFactory = _ => "preview.png" };
        var count = WholeOption.Create("--count", "number of rows", 5, 1, 200);
        var objects = new Option<bool>("--objects")
        {
            Description = "outline the objects and dim everything outside their masks, before and after mixing",
        };
        var run = new Option<string?>("--run")
        {
            Description = "trained run whose network provides saliency or features (default: an untrained resnet8)",
            HelpName = "DIR",
        };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data().Mixing();
        var command =
            new Verb("preview", "Draws a PNG sheet: image, partner, mixed image and difference, with λ, box and labels; for other kinds of "
                + "methods, draws features, branches or label vectors.",
                new("patchwork preview", "CutMix on the embedded photographs"),
                new("patchwork preview --method all --out all.png", "every method"),
                new("patchwork preview --method resizemix --dataset folder --data pictures", "one method on your own pictures"))
            {
                output, count, objects, run,
            };
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var all = "all".Equals(recipe.Given(parsed, "method"), StringComparison.OrdinalIgnoreCase);
            var chosen = recipe.Over(new Recipe { Method = DefaultExperiment.Method }, parsed, except: all ? "method" : "");
            string[] methods = all ? [.. Methods.All.Select(method => method.Id)] : [chosen.Method];
            MethodStack[] stacks = all ? [.. chosen.Resolve(methods).Select(resolved => resolved.Stack)] : [chosen.Resolve().Stack];
            using var trained = parsed.GetValue(run) is { } folder ? Predictor.Open(folder) : null;
            var data = chosen.OpenData();
            if (trained is not null)
                data = trained.Card.InOrder(data, parsed.GetValue(run)!);
            foreach (var (line, arePictures) in LeftOutFile.Summaries(ImageFiles.LeftOutOf(data)))
            {
                if (!common.Quiet(parsed) || arePictures)
                    parsed.Error.WriteLine(arePictures ? $"warning: {line}" : line);
            }
            var png = all
                ? MixingPreview.DrawAll(stacks, data.Train, new SeedStream(chosen.Seed), trained?.Model)
                : MixingPreview.Draw(stacks[0], data.Train, new SeedStream(chosen.Seed), parsed.GetValue(count),
                    parsed.GetValue(objects), trained?.Model, chosen.Preset);
            var path = parsed.GetValue(output)!;
            OutputFile.Write(path, png);
            parsed.Output.WriteLine(common.Json(parsed) ? new JsonObject { ["preview"] = path }.ToJsonString() : $"wrote {path}");
            return 0;
        });
        return command;
    }
}
