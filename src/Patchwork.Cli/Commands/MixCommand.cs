using System.CommandLine;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary><c>mix</c>: a mixed data set on disk.</summary>
internal static class MixCommand
{
    public static Command Create()
    {
        var source = new Argument<string?>("source")
        {
            Description = "data set id, folder of pictures with one sub-folder per class, or list of images "
                + "(default: the embedded photographs)",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var output = new Option<string>("--out") { Description = "folder", DefaultValueFactory = _ => "mixed" };
        var count = WholeOption.Create("--count", "pictures", 100, 1, 1_000_000);
        var part = new Option<string>("--part")
        {
            Description = "which pictures: train or test (mixed like the others; plain with --probability 0)",
            DefaultValueFactory = _ => "train",
        };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data(dataset: false).Mixing();
        var command = new Command("mix", "A mixed data set for other frameworks: PNG pictures, targets.csv, classes.txt.") { source,
            output, count, part };
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            var pictures = parsed.GetValue(count);
            var given = parsed.GetValue(source);
            var named = given is null ? new Recipe() : DataCommand.Named(given);
            var chosen = recipe.Over(named with { Method = DefaultExperiment.Method }, parsed);
            var mixer = chosen.Resolve().Stack.Mixer
                ?? throw new InputException($"{chosen.Method} mixes no pixels. Choose a --method that does.");
            var data = chosen.OpenData();
            var set = parsed.GetValue(part)!.ToLowerInvariant() switch
            {
                "train" => data.Train,
                "test" => data.Test,
                var other => throw InputException.Unknown("value for --part", other, ["train", "test"]),
            };
            var folder = parsed.GetValue(output)!;
            using var interruption = Interruption.Listen();
            MixedSet.Write(mixer, set, new SeedStream(chosen.Seed), pictures, folder, interruption.Token);
            parsed.Output.WriteLine(common.Json(parsed) ? new JsonObject { ["folder"] = folder, ["pictures"] = pictures }.ToJsonString()
                : $"wrote {pictures} pictures and targets.csv to {folder}");
            return 0;
        });
        return command;
    }
}
