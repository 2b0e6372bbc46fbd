using System.Text.Json;

namespace Patchwork.Recipes;

/// <summary>Optimizers that a recipe can name.</summary>
public enum OptimizerKind
{
    /// <summary>SGD with Nesterov momentum.</summary>
    Sgd,

    /// <summary>Adam.</summary>
    Adam,

    /// <summary>AdamW.</summary>
    AdamW,
}

/// <summary>Losses that a recipe can name.</summary>
public enum LossKind
{
    /// <summary>Cross entropy of softmax.</summary>
    CrossEntropy,

    /// <summary>Binary cross entropy of sigmoid, for each class.</summary>
    Binary,

    /// <summary>Focal loss, γ 2.</summary>
    Focal,
}

/// <summary>Learning rate schedules that a recipe can name.</summary>
public enum ScheduleKind
{
    /// <summary>The same rate throughout.</summary>
    Constant,

    /// <summary>Times 0.1 at each milestone.</summary>
    MultiStep,

    /// <summary>Half a cosine down to 0.</summary>
    Cosine,

    /// <summary>Up for 30 % of the steps, then down to almost 0.</summary>
    OneCycle,
}

/// <summary>Checks the keys whose value is one of a few names.</summary>
internal static class RecipeChoices
{
    private static readonly Dictionary<string, string[]> Names = RecipeKeys.Info.Properties
        .Select(property => (property.Name, Type: Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType))
        .Where(property => property.Type.IsEnum)
        .ToDictionary(property => property.Name, property => Enum.GetNames(property.Type));

    /// <summary>
    /// Rejects a value that is not one of the key's names: the serializer would also accept numbers and lists of names, as for flag enums,
    /// which none of these is.
    /// </summary>
    /// <exception cref="InputException">The value is not one of the key's names.</exception>
    public static void Check(string key, JsonElement value, string recipe)
    {
        if (!Names.TryGetValue(key, out var names) || value.ValueKind == JsonValueKind.Null)
            return;
        if (value.ValueKind != JsonValueKind.String)
            throw new InputException($"The value of '{key}' in {recipe} must be one of {string.Join(", ", names.Select(Spelled))}. "
                + $"Received: {value.GetRawText()}.");
        if (!names.Contains(value.GetString(), StringComparer.OrdinalIgnoreCase))
            throw InputException.Unknown($"value of '{key}' in {recipe}", value.GetString()!, [.. names.Select(Spelled)]);
    }

    // Spelled as on the command line.
    private static string Spelled(string name) => name.ToLowerInvariant();
}
