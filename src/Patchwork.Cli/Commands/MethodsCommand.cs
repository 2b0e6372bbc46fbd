using System.Collections;
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Regularization;
using Spectre.Console;

namespace Patchwork.Cli.Commands;

/// <summary><c>methods</c>: the catalogue with defaults; one method in full.</summary>
internal static class MethodsCommand
{
    public static Command Create()
    {
        var name = new Argument<string?>("name") { Description = "method to show in full", Arity = ArgumentArity.ZeroOrOne };
        var common = new CommonOptions();
        var command = new Command("methods", "The catalogue of methods with their defaults.") { name };
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            IReadOnlyList<Method> shown = parsed.GetValue(name) is { } id ? [Methods.Find(id)] : Methods.All;
            if (common.Json(parsed))
                Console.WriteLine(new JsonArray([.. shown.Select(Describe)]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
            else
                Print(shown);
            return 0;
        });
        return command;
    }

    // A table for each kind, its methods one below the other: sentence, defaults, paper.
    private static void Print(IReadOnlyList<Method> shown)
    {
        const char tied = '\u00a0';      // a space that no line is broken at
        foreach (var kind in shown.GroupBy(method => Kind(method.Create())))
        {
            var table = new Table().Border(TableBorder.Simple).Expand();
            table.AddColumn(new TableColumn(Markup.Escape(kind.Key)).NoWrap().Width(Methods.All.Max(method => method.Id.Length)));
            table.AddColumn("what it does; defaults; source");
            foreach (var method in kind)
            {
                var defaults = Defaults(method).Select(option => $"{option.Name} {option.Value ?? "none"}".Replace(' ', tied));
                table.AddRow(Markup.Escape(method.Id), Markup.Escape($"{method.Summary}\n{string.Join("; ", defaults)}\n{method.Source}"));
            }
            AnsiConsole.Write(table);
        }
    }

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
            defaults[option] = value;
        return new JsonObject
        {
            ["id"] = method.Id,
            ["name"] = method.Name,
            ["kind"] = Kind(method.Create()),
            ["summary"] = method.Summary,
            ["source"] = method.Source,
            ["defaults"] = defaults,
        };
    }

    private static IEnumerable<(string Name, string? Value)> Defaults(Method method)
    {
        var created = method.Create();
        return created.GetType().GetProperties()
            .Where(property => property.SetMethod is { IsPublic: true })
            .OrderBy(property => property.Name, StringComparer.Ordinal)
            .Select(property => (char.ToLowerInvariant(property.Name[0]) + property.Name[1..], Shown(property.GetValue(created))));
    }

    private static string? Shown(object? value) => value switch
    {
        null => null,
        string text => text,
        IEnumerable list => string.Join(", ", list.Cast<object?>().Select(Shown)),
        _ => FormattableString.Invariant($"{value}").ToLowerInvariant(),
    };
}
