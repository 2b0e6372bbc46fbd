using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Interop;
using Patchwork.Models;
using Spectre.Console;

namespace Patchwork.Cli.Commands;

/// <summary><c>models</c>: lists the networks with their sizes and pretrained weights.</summary>
internal static class ModelsCommand
{
    public static Command Create()
    {
        var common = new CommonOptions("torch threads (default: all cores)");
        var command = new Verb("models", "Lists the networks: parameters, operations, image size and pretrained weights.",
            new VerbExample("patchwork models", "all networks"));
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            common.PrepareTorch(parsed);
            if (common.Json(parsed))
                parsed.Output.WriteLine(new JsonArray([.. ModelZoo.Ids.Select(ModelSummary.Of).Select(Json)])
                    .ToIndented());
            else
                Print(parsed.Screen);
            return 0;
        });
        return command;
    }

    private static void Print(IAnsiConsole screen)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(new TableColumn("network").NoWrap());
        foreach (var title in new[] { "parameters", "multiply-adds", "images" })
            table.AddColumn(new TableColumn(title).RightAligned());
        table.AddColumn(new TableColumn("weights").NoWrap());
        foreach (var summary in ModelZoo.Ids.Select(ModelSummary.Of))
            table.AddRow(summary.Id, Millions(summary.Parameters), Millions(summary.MultiplyAdds),
                $"{summary.ImageSize}×{summary.ImageSize}",
                Markup.Escape(summary.Id == ImageNetResNet18.Model ? ImageNetResNet18.Id : ""));
        screen.Write(table);
        screen.WriteLine($"--weights {ImageNetResNet18.Id}: {Where}");
        screen.WriteLine("Every network accepts --weights FILE: safetensors, a PyTorch state dict or ONNX, with the parameter names of "
            + "torchvision or timm.");
    }

    private static string Where => ImageNetResNet18.Find() ?? $"not installed; it is in the NuGet package {ImageNetResNet18.Package}";

    private static string Millions(long count) => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:#,0.##} M");

    private static JsonObject Json(ModelSummary summary) => new()
    {
        ["id"] = summary.Id,
        ["parameters"] = summary.Parameters,
        ["multiplyAdds"] = summary.MultiplyAdds,
        ["imageSize"] = summary.ImageSize,
        ["weights"] = summary.Id == ImageNetResNet18.Model ? new JsonObject
        {
            ["id"] = ImageNetResNet18.Id,
            ["package"] = ImageNetResNet18.Package,
            ["path"] = ImageNetResNet18.Find(),
        } : null,
    };
}
