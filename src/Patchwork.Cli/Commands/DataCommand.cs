using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;

namespace Patchwork.Cli.Commands;

/// <summary><c>data list</c> and <c>data get</c>: data sets and their download.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Data sets: what there is, and their download.") { List(), Get() };

    private static Command List()
    {
        var common = new CommonOptions();
        var command = new Command("list", "Data sets and where they are published.");
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            string Home(string id) => DownloadCatalogue.All.FirstOrDefault(set => set.Id == id)?.Files[0].Address.ToString() ?? (id == "shapes" ? "embedded" : "your own pictures");
            if (common.Json(parsed))
                parsed.Output.WriteLine(new JsonArray([.. DatasetCatalogue.Ids.Select(id => new JsonObject { ["id"] = id, ["home"] = Home(id) })]).ToJsonString());
            else
                foreach (var id in DatasetCatalogue.Ids)
                    parsed.Output.WriteLine($"{id,-14}{Home(id)}");
            return 0;
        });
        return command;
    }

    private static Command Get()
    {
        var name = new Argument<string>("name") { Description = "data set to download" };
        var data = new Option<string?>("--data") { Description = "folder of all data sets (default $PATCHWORK_DATA, then ~/.cache/patchwork/data)" };
        var common = new CommonOptions();
        var command = new Command("get", "Downloads a data set from its official home and checks it; goes on where it was stopped.") { name, data };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var set = DownloadCatalogue.Find(parsed.GetValue(name)!);
            var folder = parsed.GetValue(data) ?? DatasetCatalogue.DefaultFolder;
            using var client = new HttpClient();
            var quiet = common.Quiet(parsed) || common.Json(parsed);
            var shown = -1L;
            await new Downloader(client).GetAsync(set, folder, (file, bytes, total) =>
            {
                // A line every tenth, or every ten MiB where the length is not known.
                var mark = total is > 0 and var all ? 10 * bytes / all : bytes / (10 << 20);
                if (quiet || mark == shown)
                    return;
                shown = mark;
                var size = total is { } whole ? string.Create(CultureInfo.InvariantCulture, $" of {whole / 1e6:F1}") : "";
                parsed.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: {bytes / 1e6:F1}{size} MB"));
            }, cancellation);
            var place = Path.Combine(folder, set.Folder);
            parsed.Output.WriteLine(common.Json(parsed) ? new JsonObject { ["data"] = place }.ToJsonString() : $"{set.Id} is in {place}");
            return 0;
        });
        return command;
    }
}
