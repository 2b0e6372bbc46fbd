using System.CommandLine;
using Patchwork.Recipes;

namespace Patchwork.Cli;

/// <summary>The recipe file argument of verbs that train; flags override its values.</summary>
internal sealed class RecipeFile
{
    private readonly Argument<string?> path = new("recipe")
    {
        Description = "recipe file (JSON); flags override its values",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public void AddTo(Command command) => command.Arguments.Add(path);

    /// <summary>The path on the command line; null if there is none.</summary>
    public string? Given(ParseResult parsed) => parsed.GetValue(path);

    /// <summary>Reads the recipe; null if no file was given.</summary>
    /// <exception cref="InputException">There is no such file, or it is not a recipe.</exception>
    public Recipe? Read(ParseResult parsed)
    {
        if (Given(parsed) is not { } file)
            return null;
        return File.Exists(file) ? Recipe.FromJson(File.ReadAllText(file), file)
            : throw new InputException($"A recipe must be a JSON file. Received: {file}, which "
                + $"{(Directory.Exists(file) ? "is a folder" : "does not exist")}.");
    }
}
