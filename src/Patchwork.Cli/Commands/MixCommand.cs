using System.CommandLine;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Previews;
using Patchwork.Randomness;
using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary><c>mix</c>: writes a mixed data set to disk.</summary>
internal static class MixCommand
{
    public static Command Create()
    {
        var source = new Argument<string?>("source")
        {
            Description = "name of a data set, folder of pictures with one sub-folder per class, or list of images "
                + "(default: the embedded photographs)",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var output = new Option<string>("--out") { Description = "folder to write", HelpName = "DIR", DefaultValueFactory = _ => "mixed" };
        var count = WholeOption.Create("--count", "number of images", 100, 1, 1_000_000);
        var part = new Option<string>("--part")
        {
            Description = "train or test; test images are mixed too, unless --probability is 0",
            HelpName = "NAME",
            DefaultValueFactory = _ => "train",
        };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data(dataset: false).Mixing();
        var command = new Verb("mix", "Writes a mixed data set for other frameworks: PNG files, targets.csv and classes.txt.",
            new("patchwork mix --count 1000 --out mixed", "1,000 CutMix images of the embedded photographs"),
            new("patchwork mix pictures --image-size 64 --method resizemix", "your own pictures, mixed by ResizeMix"))
        {
            source, output, count, part,
        };
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
                ?? throw new InputException($"mix needs a --method that mixes pixels. Received: {chosen.Method}, which mixes none.");
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
                : $"wrote {pictures} images and targets.csv to {folder}");
            return 0;
        });
        return command;
    }
}
