using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Mixing;
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

    private static void Print(IReadOnlyList<Method> shown)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("method", "what it does", "defaults", "source");
        foreach (var method in shown)
            table.AddRow(method.Id, method.Summary, string.Join("\n", Defaults(method).Select(option => $"{option.Name} {option.Value}")), method.Source);
        AnsiConsole.Write(table);
    }

    private static JsonNode Describe(Method method)
    {
        var defaults = new JsonObject();
        foreach (var (option, value) in Defaults(method))
            defaults[option] = value;
        return new JsonObject { ["id"] = method.Id, ["name"] = method.Name, ["summary"] = method.Summary, ["source"] = method.Source, ["defaults"] = defaults };
    }

    private static IEnumerable<(string Name, string Value)> Defaults(Method method)
    {
        var mixer = method.Create();
        return mixer.GetType().GetProperties()
            .Where(property => property.SetMethod is not null)
            .OrderBy(property => property.Name, StringComparer.Ordinal)
            .Select(property => (char.ToLowerInvariant(property.Name[0]) + property.Name[1..], FormattableString.Invariant($"{property.GetValue(mixer)}").ToLowerInvariant()));
    }
}
