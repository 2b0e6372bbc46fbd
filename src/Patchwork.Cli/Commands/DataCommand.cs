using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;

namespace Patchwork.Cli.Commands;

/// <summary><c>data list</c>, <c>data get</c> and <c>data check</c>: data sets, their download, and what is in them.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Data sets: what there is, their download, and what is in them.")
    {
        List(), Get(), DataCheckCommand.Create(),
    };

    private static Command List()
    {
        var common = new CommonOptions();
        var command = new Command("list", "Data sets and where they are published.");
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

    private static Command Get()
    {
        var name = new Argument<string>("name") { Description = "data set to download" };
        var data = new Option<string?>("--data")
        {
            Description = "folder of all data sets (default $PATCHWORK_DATA, then ~/.cache/patchwork/data)",
        };
        var common = new CommonOptions();
        var command = new Command("get", "Downloads a data set from its official home and checks it; resumes where it stopped.")
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
