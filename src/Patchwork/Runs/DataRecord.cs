using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Data;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>The data that a run was made from, as stored in its <c>data.json</c>, so that changed data is detected.</summary>
/// <param name="Classes">Names of the classes; a label is an index into them.</param>
/// <param name="Train">The images to train on.</param>
/// <param name="Validation">The images that select the best epoch; the test images if a recipe says so.</param>
/// <param name="Test">The test images.</param>
public sealed record DataRecord(IReadOnlyList<string> Classes, DataPart Train, DataPart Validation, DataPart Test)
{
    /// <summary>Length and SHA-256 of the file of weights that training started from; null if it started fresh.</summary>
    public string? Weights { get; init; }

    /// <summary>The parts that differ from another record, in words: "18 training images, not 19"; empty if none differs.</summary>
    /// <param name="now">The record of the current data.</param>
    public IReadOnlyList<string> Changes(DataRecord now)
    {
        (string Name, DataPart Then, DataPart Now)[] parts =
            [("training", Train, now.Train), ("validation", Validation, now.Validation), ("test", Test, now.Test)];
        return [.. parts.Where(part => part.Then.Digest != part.Now.Digest).Select(part => part.Then.Images == part.Now.Images
            ? $"different ones among the {part.Now.Images} {part.Name} images"
            : $"{part.Now.Images} {part.Name} images, not {part.Then.Images}")];
    }

    /// <summary>The record as JSON.</summary>
    public string ToJson() => new JsonObject
    {
        ["version"] = 1,
        ["classes"] = new JsonArray([.. Classes.Select(name => JsonValue.Create(name))]),
        ["train"] = Train.ToJson(),
        ["validation"] = Validation.ToJson(),
        ["test"] = Test.ToJson(),
        ["weights"] = Weights,
    }.ToJsonString(IndentedJson.Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InputException">The text is not a record.</exception>
    public static DataRecord FromJson(string json, string name)
    {
        try
        {
            var record = JsonNode.Parse(json).Required();
            DataPart Part(string key) => DataPart.FromJson(record.Required(key));
            return new([.. record.Required("classes").AsArray().Select(one => (string)one!)],
                Part("train"), Part("validation"), Part("test"))
            {
                Weights = (string?)record["weights"],
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new InputException($"{name} must describe the data that the run was made from. Received: a file that cannot be read "
                + $"({error.Message.TrimEnd('.')}). Delete it to continue without it; changed data is then not detected.", error);
        }
    }
}

/// <summary>One part of a run's data.</summary>
/// <param name="PerClass">Number of images of each class.</param>
/// <param name="Digest">See <see cref="DataDigest"/>.</param>
public sealed record DataPart(IReadOnlyList<int> PerClass, string Digest)
{
    /// <summary>Number of images; not the sum over the classes if an image may show several.</summary>
    public int Images { get; init; } = PerClass.Sum();

    internal static DataPart Of(Dataset set) => new(set.CountPerClass(), DataDigest.Of(set)) { Images = set.Count };

    internal JsonObject ToJson() => new()
    {
        ["images"] = Images,
        ["perClass"] = new JsonArray([.. PerClass.Select(count => JsonValue.Create(count))]),
        ["digest"] = Digest,
    };

    internal static DataPart FromJson(JsonNode json) =>
        new([.. json.Required("perClass").AsArray().Select(count => (int)count.Required())], (string)json.Required("digest")!)
        {
            Images = (int)json.Required("images"),
        };
}
