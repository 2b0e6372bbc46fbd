using System.CommandLine;
using Patchwork.Recipes;

namespace Patchwork.Cli;

/// <summary>The argument of verbs that train: a recipe file, over which flags are laid.</summary>
internal sealed class RecipeFile
{
    private readonly Argument<string?> path = new("recipe")
    {
        Description = "recipe file (JSON); flags are laid over it",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public void AddTo(Command command) => command.Arguments.Add(path);

    /// <summary>The path that was given, or null.</summary>
    public string? Given(ParseResult parsed) => parsed.GetValue(path);

    /// <summary>The recipe in the file; null where no file was given.</summary>
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
