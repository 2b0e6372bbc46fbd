using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Cli.Terminal;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Regularization;
using Spectre.Console;

namespace Patchwork.Cli.Commands;

/// <summary><c>methods</c>: prints the catalogue, or one method with all its options.</summary>
internal static class MethodsCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "show this method with all its options", Arity = ArgumentArity.ZeroOrOne };
        var common = new CommonOptions();
        var command = new Verb("methods", "Lists the methods with their defaults.",
            new("patchwork methods", "all methods"),
            new("patchwork methods cutmix", "every option of CutMix")) { name };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            IReadOnlyList<Method> shown = parsed.GetValue(name) is { } id ? [Methods.Find(id)] : Methods.All;
            if (common.Json(parsed))
                parsed.Output.WriteLine(new JsonArray([.. shown.Select(Describe)])
                    .ToIndented());
            else if (parsed.GetValue(name) is not null)
                PrintInFull(parsed.Screen, shown[0]);
            else
                Print(parsed.Screen, shown);
            return 0;
        });
        return command;
    }

    // One table per kind: each method's sentence, defaults and paper.
    private static void Print(IAnsiConsole screen, IReadOnlyList<Method> shown)
    {
        const char tied = '\u00a0';      // a space at which lines do not break
        foreach (var kind in shown.GroupBy(method => Kind(method.Create())))
        {
            var table = new Table().Border(TableBorder.Simple).Expand();
            table.AddColumn(new TableColumn(Markup.Escape(kind.Key)).NoWrap().Width(Methods.All.Max(method => method.Id.Length)));
            table.AddColumn("what it does; defaults; source");
            foreach (var method in kind)
            {
                var defaults = Defaults(method).Select(option => $"{option.Option.Name}{tied}{option.Value ?? "none"}");
                table.AddRow(Markup.Escape(method.Id),
                    Markup.Escape($"{method.Summary}\n{string.Join("; ", defaults)}\n{method.Source}{Needed(method)}"));
            }
            screen.Write(table);
        }
    }

    // Every option, with the values that --set accepts.
    private static void PrintInFull(IAnsiConsole screen, Method method)
    {
        screen.MarkupLineInterpolated($"{method.Name} ({Kind(method.Create())}): {method.Summary} {method.Source}{Needed(method)}");
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(new TableColumn("--set NAME=VALUE").NoWrap());
        table.AddColumn(new TableColumn("default").NoWrap());
        table.AddColumn("takes");
        foreach (var (option, value) in Defaults(method))
            table.AddRow(Markup.Escape($"{method.Id}.{option.Name}"), Markup.Escape(value ?? "none"), Markup.Escape(option.Takes));
        screen.Write(table);
    }

    private static string Needed(Method method) => Network(method) == "any" ? "" : $"; needs {Network(method)}";

    // What the network must have.
    private static string Network(Method method) => method.Create().NetworkNeed switch
    {
        NetworkNeed.FeatureMaps => "a network with feature maps",
        NetworkNeed.Attention => "a network with attention",
        _ => "any",
    };

    private static string Kind(IMethod method) => method switch
    {
        Mixer => "mixes pixels",
        FeatureMixer => "mixes features",
        Eraser => "erases",
        LabelRule => "labels",
        _ => "network",
    };

    private static JsonNode Describe(Method method)
    {
        var defaults = new JsonObject();
        foreach (var (option, value) in Defaults(method))
            defaults[option.Name] = value;
        return new JsonObject
        {
            ["id"] = method.Id,
            ["name"] = method.Name,
            ["kind"] = Kind(method.Create()),
            ["network"] = Network(method),
            ["summary"] = method.Summary,
            ["source"] = method.Source,
            ["defaults"] = defaults,
        };
    }

    private static IEnumerable<(MethodOption Option, string? Value)> Defaults(Method method)
    {
        var created = method.Create();
        return MethodOption.Of(created).Select(option => (option, option.Text(created)));
    }
}
