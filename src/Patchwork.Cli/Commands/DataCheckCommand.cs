using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Data;
using Patchwork.Recipes;
using Spectre.Console;

namespace Patchwork.Cli.Commands;

/// <summary><c>data check</c>: reports what a data set contains and what is wrong with it.</summary>
internal static class DataCheckCommand
{
    // At most this many files are named per kind of fault; --json has all.
    private const int Named = 10;

    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "folder of pictures, list of images, or name of a data set" };
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Data(dataset: false);
        var command = new Verb("check",
            "Reports what a data set contains: counts, sizes, damaged, rotated and repeated images, omitted files.",
            new("patchwork data check pictures", "a folder with one sub-folder per class"),
            new("patchwork data check labels.csv --images pictures", "a list"))
        {
            source,
        };
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var given = parsed.GetValue(source)!;
            var check = recipe.Over(DataCommand.Named(given), parsed).CheckData();
            if (common.Json(parsed))
                parsed.Output.WriteLine(Json(check).ToIndented());
            else
                Print(parsed, check);
            return 0;
        });
        return command;
    }

    private static void Print(ParseResult parsed, DataCheck check)
    {
        var output = parsed.Output;
        parsed.Screen.Write(Counts(check));
        var sizes = check.Smallest == check.Largest ? $"all {check.Smallest}"
            : $"{check.Smallest} to {check.Largest}";
        output.WriteLine($"sizes (height × width): {sizes}");
        output.WriteLine($"rotated: {check.Turned} {(check.Turned == 1 ? "picture is" : "pictures are")} stored rotated and shown upright");
        foreach (var note in check.Notes)
            output.WriteLine($"note: {note}");
        foreach (var files in check.LeftOut.GroupBy(file => file.Reason).OrderBy(files => files.Key))
            List(output, $"omitted: {LeftOutFile.Name(files.Key, files.Count())}",
                files.Select(file => file.Detail.Length > 0 ? file.Detail : file.Path));
        List(output, Several(check.AcrossParts.Count, "image is in more than one part", "images are in more than one part"),
            check.AcrossParts.Select(Places));
        List(output, Several(check.AcrossClasses.Count, "image is in more than one class", "images are in more than one class"),
            check.AcrossClasses.Select(Places));
        if (check.Repeated > 0)
            output.WriteLine(Several(check.Repeated, "image is repeated in its class", "images are repeated in their class"));
        if (check.Scarce.Count > 0)
            output.WriteLine($"fewer than {DataCheck.Few} training images: {string.Join(", ", check.Scarce)}");
        output.WriteLine(check.HasFaults ? "problems found; see above" : "no problems found");
    }

    private static Table Counts(DataCheck check)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("class");
        foreach (var part in check.Parts)
            table.AddColumn(new TableColumn(part.Name).RightAligned());
        foreach (var (label, name) in check.Classes.Index())
            table.AddRow([Markup.Escape(name), .. check.Parts.Select(part => Number(part.PerClass[label]))]);
        table.AddRow([$"{check.Classes.Count} classes", .. check.Parts.Select(part => Number(part.Images))]);
        return table;
    }

    private static void List(TextWriter output, string title, IEnumerable<string> lines)
    {
        var all = lines.ToArray();
        if (all.Length == 0)
            return;
        output.WriteLine(title);
        foreach (var line in all.Take(Named))
            output.WriteLine($"  {line}");
        if (all.Length > Named)
            output.WriteLine($"  and {Number(all.Length - Named)} more (--json lists all)");
    }

    private static string Several(int count, string one, string many) => $"{Number(count)} {(count == 1 ? one : many)}";

    private static string Number(int count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Places(SameImage image) =>
        string.Join(" = ", image.Places.Select(place => $"{place.Part}/{place.Class}/{Path.GetFileName(place.Name)}"));

    private static JsonObject Json(DataCheck check)
    {
        static JsonArray Names(IEnumerable<string> names) => new([.. names.Select(name => JsonValue.Create(name))]);
        static JsonArray Same(IEnumerable<SameImage> images) => new([.. images.Select(image => new JsonArray([.. image.Places
            .Select(place => new JsonObject { ["part"] = place.Part, ["class"] = place.Class, ["image"] = place.Name })]))]);
        return new JsonObject
        {
            ["classes"] = Names(check.Classes),
            ["parts"] = new JsonObject(check.Parts.Select(part => KeyValuePair.Create(part.Name, (JsonNode?)new JsonObject
            {
                ["images"] = part.Images,
                ["perClass"] = new JsonArray([.. part.PerClass.Select(count => JsonValue.Create(count))]),
            }))),
            ["smallest"] = new JsonArray(check.Smallest.Height, check.Smallest.Width),
            ["largest"] = new JsonArray(check.Largest.Height, check.Largest.Width),
            ["turned"] = check.Turned,
            ["notes"] = Names(check.Notes),
            ["leftOut"] = new JsonArray([.. check.LeftOut.Select(file =>
                new JsonObject { ["file"] = file.Path, ["reason"] = file.Reason.ToString(), ["detail"] = file.Detail })]),
            ["acrossParts"] = Same(check.AcrossParts),
            ["acrossClasses"] = Same(check.AcrossClasses),
            ["repeated"] = check.Repeated,
            ["scarce"] = Names(check.Scarce),
            ["faults"] = check.HasFaults,
        };
    }
}
