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

/// <summary><c>preview</c>: a PNG sheet of what a method does.</summary>
internal static class PreviewCommand
{
    public static Command Create()
    {
        var output = new Option<string>("--out") { Description = "PNG file", DefaultValueFactory = _ => "preview.png" };
        var count = WholeOption.Create("--count", "rows", 5, 1, 200);
        var objects = new Option<bool>("--objects")
        {
            Description =
            "outline the objects and leave only their masks bright, before and after"
        };
        var run = new Option<string?>("--run")
        {
            Description =
            "trained run whose network is looked through, or whose features are shown (default: an untrained resnet8)"
        };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data().Mixing();
        var command =
            new Command("preview",
            "A PNG sheet: original, partner, mixed, difference, with λ, box and labels; or features, branches, label vectors.") { output,
            count, objects, run };
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
