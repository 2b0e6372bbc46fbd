using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Patchwork.Models;

namespace Patchwork.Recipes;

/// <content>Reads and writes recipes as JSON.</content>
public sealed partial record Recipe
{
    // The values that runs used before these keys existed.
    private static readonly Recipe BeforeKeys = new()
    {
        ScaledDecoding = false,
        Precision = Precision.Float32,
    };

    /// <summary>Reads a recipe.</summary>
    /// <exception cref="InputException">The text is not a recipe, or has an unknown key.</exception>
    public static Recipe FromJson(string json, string name = "recipe") => Read(json, name, new Recipe());

    /// <summary>
    /// Reads the recipe that a run stored. A key that was added after the run gets the value that all runs used before, so that a resumed
    /// run is bit-identical to an uninterrupted one.
    /// </summary>
    /// <exception cref="InputException">As for <see cref="FromJson"/>.</exception>
    internal static Recipe FromStored(string json, string name)
    {
        var recipe = Read(json, name, BeforeKeys);
        const int largestSmall = 64;      // the largest image size with the small stem before recipes stored the stem
        return recipe.Stem is null && ModelZoo.HasStems(recipe.Model)
            ? recipe with { Stem = recipe.ImageSize is null or <= largestSmall ? Models.Stem.Small : Models.Stem.ImageNet } : recipe;
    }

    private static Recipe Read(string json, string name, Recipe defaults)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{name} must be a JSON object of recipe keys. Received: {document.RootElement.ValueKind}.");
            // Merged into the defaults: the serializer gives a missing key the zero of its type, not the property's default.
            var whole = JsonSerializer.SerializeToNode(defaults, RecipeKeys.Info)!.AsObject();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (!Keys.Contains(property.Name))
                    throw InputException.Unknown($"key in {name}", property.Name, Keys);
                RecipeChoices.Check(property.Name, property.Value, name);
                whole[property.Name] = JsonNode.Parse(property.Value.GetRawText());
            }
            var recipe = whole.Deserialize(RecipeKeys.Info)!;
            recipe.Validate();
            return recipe;
        }
        catch (JsonException error) when (error.Path is { Length: > 2 } path)
        {
            // $.epochs, $.milestones[1] or $.options.length
            var key = path[2..].Split('[', '.')[0];
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip });
            throw new InputException($"The value of '{key}' in {name} must be of the right kind and size. "
                + $"Received: {document.RootElement.GetProperty(key).GetRawText()}. Compare it with a recipe.json that a run wrote.",
                    error);
        }
        // InvalidOperationException: half of a surrogate pair in a string
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InputException($"{name} must be valid JSON. Received: {error.Message.TrimEnd('.')}.", error);
        }
    }

    /// <summary>The recipe as JSON; <see cref="FromJson"/> reads it back.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RecipeKeys.Info);

    /// <summary>
    /// The keys whose values differ from another recipe's, such as "epochs is 3, not 5": the other's value, then this one's.
    /// </summary>
    internal IReadOnlyList<string> Differences(Recipe other)
    {
        var own = JsonSerializer.SerializeToNode(this, RecipeKeys.Info)!;
        var others = JsonSerializer.SerializeToNode(other, RecipeKeys.Info)!;
        static string Text(JsonNode? value) => value?.ToJsonString() ?? "null";
        return [.. from key in Keys
            where !JsonNode.DeepEquals(own[key], others[key])
            select $"{key} is {Text(others[key])}, not {Text(own[key])}"];
    }

    /// <summary>All keys, in the order in which they are written.</summary>
    internal static IReadOnlyList<string> Keys { get; } =
        [.. RecipeKeys.Info.Properties.OrderBy(property => property.Order).Select(property => property.Name)];
}

[JsonSourceGenerationOptions(WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true, RespectNullableAnnotations = true,
    ReadCommentHandling = JsonCommentHandling.Skip)]
[JsonSerializable(typeof(Recipe))]
internal sealed partial class RecipeJson : JsonSerializerContext;

/// <summary>The order in which keys are written: the keys of CutMix, which have their own file, follow the probability.</summary>
internal static class RecipeKeys
{
    /// <summary>How recipes are written and read.</summary>
    public static JsonTypeInfo<Recipe> Info { get; } = (JsonTypeInfo<Recipe>)new JsonSerializerOptions(RecipeJson.Default.Options)
    {
        TypeInfoResolver = RecipeJson.Default.WithAddedModifier(Order),
    }.GetTypeInfo(typeof(Recipe));

    private static void Order(JsonTypeInfo type)
    {
        if (type.Type != typeof(Recipe))
            return;
        var own = CutMixKeys.All.Select(key => key.Name).ToHashSet();
        JsonPropertyInfo[] others = [.. type.Properties.Where(property => !own.Contains(property.Name))];
        var probability = Array.FindIndex(others, property => property.Name == "probability");
        foreach (var property in type.Properties)
        {
            var place = Array.IndexOf(others, property);
            property.Order = place < 0 ? 2 * probability + 1 : 2 * place;
        }
    }
}
