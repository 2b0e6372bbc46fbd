using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Previews;
using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary><c>data list</c>, <c>get</c>, <c>check</c> and <c>list-files</c>: lists, downloads and inspects data sets.</summary>
internal static class DataCommand
{
    public static Command Create() => new Verb("data", "Lists, downloads and inspects data sets.",
        new("patchwork data list", "the data sets and where they are published"),
        new("patchwork data get cifar10", "downloads CIFAR-10, resumes, and checks it"),
        new("patchwork data check pictures", "what is in a folder of your own"))
    {
        List(), Get(), DataCheckCommand.Create(), ListFiles(),
    };

    /// <summary>A recipe with the data set that is given by name, folder or list.</summary>
    /// <exception cref="InputException">The path does not exist.</exception>
    public static Recipe Named(string given)
    {
        if (Path.Exists(given))
            return new Recipe { Dataset = DatasetCatalogue.OwnAt(given).Id, Data = given };
        return !given.Contains(Path.DirectorySeparatorChar) && Path.GetExtension(given).Length == 0 ? new Recipe { Dataset = given }
            : throw new InputException($"A data set must be a folder of pictures, a list of images, or a known name. Received: {given}, "
                + "which does not exist.");
    }

    private static Verb List()
    {
        var common = new CommonOptions();
        var command = new Verb("list", "Lists the data sets and where they are published.");
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            if (common.Json(parsed))
            {
                var sets = DatasetCatalogue.All.Select(set => new JsonObject { ["id"] = set.Id, ["home"] = set.Home });
                parsed.Output.WriteLine(new JsonArray([.. sets]).ToJsonString());
            }
            else
            {
                foreach (var set in DatasetCatalogue.All)
                    parsed.Output.WriteLine($"{set.Id,-14}{set.Home}");
            }
            return 0;
        });
        return command;
    }

    private static Verb ListFiles()
    {
        var source = new Argument<string>("source") { Description = "name of a data set, folder of pictures, or list of images" };
        var output = new Option<string>("--out") { Description = "folder to write", HelpName = "DIR", DefaultValueFactory = _ => "listed" };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data(dataset: false);
        var command = new Verb("list-files", "Writes a data set as a list of its images, to edit and to train on.",
            new VerbExample("patchwork data list-files pictures --out listed", "writes listed/list.csv for a folder of pictures"))
        {
            source, output,
        };
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var data = recipe.Over(Named(parsed.GetValue(source)!), parsed).OpenData();
            var folder = parsed.GetValue(output)!;
            using var interruption = Interruption.Listen();
            ListedSet.Write(data, folder, interruption.Token);
            var list = Path.Combine(folder, ListedSet.ListName);
            var images = data.Train.Count + data.Test.Count + (data.Validation?.Count ?? 0);
            if (common.Json(parsed))
                parsed.Output.WriteLine(new JsonObject { ["list"] = list, ["images"] = images }.ToJsonString());
            else
            {
                parsed.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrote {list} with {images:N0} images"));
                parsed.Output.WriteLine($"train on it: patchwork train --dataset {DatasetCatalogue.OwnList.Id} "
                    + $"--data {(list.Contains(' ') ? $"\"{list}\"" : list)} "
                    + $"--image-size {data.Train.Height} --normalization {data.Train.Normalization.InColor}");
            }
            return 0;
        });
        return command;
    }

    private static Verb Get()
    {
        var name = new Argument<string>("name") { Description = "data set to download" };
        var data = new Option<string?>("--data")
        {
            Description = "folder for all data sets (default $PATCHWORK_DATA, or else ~/.cache/patchwork/data)",
            HelpName = "DIR",
        };
        var common = new CommonOptions();
        var command = new Verb("get", "Downloads a data set from its publisher, verifies it, and resumes an interrupted download.",
            new VerbExample("patchwork data get cifar10", "downloads CIFAR-10"))
        {
            name, data,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var set = DatasetCatalogue.FindDownload(parsed.GetValue(name)!);
            var folder = parsed.GetValue(data) ?? DatasetCatalogue.DefaultFolder;
            using var interruption = Interruption.Listen();
            using var client = new HttpClient();
            var quiet = common.Quiet(parsed) || common.Json(parsed);
            var shown = -1L;
            await new Downloader(client).GetAsync(set, folder, (file, bytes, total) =>
            {
                // One line per tenth, or per ten MiB where the length is not known.
                var mark = total is > 0 and var all ? 10 * bytes / all : bytes / (10 << 20);
                if (quiet || mark == shown)
                    return;
                shown = mark;
                var size = total is { } whole ? string.Create(CultureInfo.InvariantCulture, $" of {whole / 1e6:F1}") : "";
                parsed.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: {bytes / 1e6:F1}{size} MB"));
            }, interruption.Token);
            var place = Path.Combine(folder, set.Folder);
            parsed.Output.WriteLine(common.Json(parsed) ? new JsonObject { ["data"] = place }.ToJsonString() : $"{set.Id} is in {place}");
            return 0;
        });
        return command;
    }
}
