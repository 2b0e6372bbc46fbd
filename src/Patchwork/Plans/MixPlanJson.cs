using System.Text;
using System.Text.Json;
using Patchwork.Randomness;

namespace Patchwork.Plans;

/// <summary>Reads and writes plans as JSON: flat arrays with one element per row, and numbers that round-trip.</summary>
internal static class MixPlanJson
{
    public static string Write(MixPlan plan)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("method", plan.Method);
            if (plan.Layer is not null)
                json.WriteString("layer", plan.Layer);
            json.WriteNumber("height", plan.Height);
            json.WriteNumber("width", plan.Width);
            json.WriteStartObject("stream");
            json.WriteNumber("seed", plan.Stream.Seed);
            json.WriteString("purpose", plan.Stream.Purpose);
            json.WriteNumber("epoch", plan.Stream.Epoch);
            json.WriteNumber("index", plan.Stream.Index);
            json.WriteEndObject();
            if (plan.Earlier > 0)
                json.WriteNumber("earlier", plan.Earlier);
            WriteArray(json, "partners", plan, (j, image) => j.WriteNumberValue(image.Partner));
            if (plan.IsOfBoxes)
                WriteArray(json, "boxes", plan, (j, image) => ((BoxRegion)image.Region).Box.WriteTo(j));
            else
                WriteArray(json, "regions", plan, (j, image) => RegionJson.Write(j, image.Region));
            WriteArray(json, "drawnLambdas", plan, (j, image) => j.WriteNumberValue(image.DrawnLambda));
            WriteArray(json, "lambdas", plan, (j, image) => j.WriteNumberValue(image.Lambda));
            if (plan.PartnerWeights() is not null)
                WriteArray(json, "partnerWeights", plan, (j, image) => j.WriteNumberValue(image.PartnerWeight));
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    public static MixPlan Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            var stream = root.GetProperty("stream");
            var id = new StreamId(stream.GetProperty("seed").GetUInt64(), Name(stream, "purpose"),
                stream.GetProperty("epoch").GetInt64(), stream.GetProperty("index").GetInt64());
            var partners = root.GetProperty("partners");
            var ofBoxes = root.TryGetProperty("boxes", out var boxes);
            var regions = ofBoxes ? boxes : root.GetProperty("regions");
            var weighed = root.TryGetProperty("partnerWeights", out var weights);
            var drawn = root.GetProperty("drawnLambdas");
            var lambdas = root.GetProperty("lambdas");
            var images = Enumerable.Range(0, partners.GetArrayLength())
                .Select(i =>
                {
                    Region region = ofBoxes ? new BoxRegion(ReadBox(boxes[i])) : RegionJson.Read(regions[i]);
                    var image = new ImagePlan(partners[i].GetInt32(), region, drawn[i].GetDouble(), lambdas[i].GetDouble());
                    return weighed ? image with { PartnerWeight = weights[i].GetDouble() } : image;
                }).ToArray();
            return new MixPlan(Name(root, "method"), root.GetProperty("height").GetInt32(), root.GetProperty("width").GetInt32(), images,
                id, root.TryGetProperty("earlier", out var earlier) ? earlier.GetInt32() : 0)
            {
                Layer = root.TryGetProperty("layer", out _) ? Name(root, "layer") : null,
            };
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException
            or IndexOutOfRangeException or ArgumentException)
        {
            throw new JsonException($"The text is not a mix plan: {error.Message}", error);
        }
    }

    private static string Name(JsonElement parent, string key) =>
        parent.GetProperty(key).GetString() ?? throw new FormatException($"{key} is null");

    public static Box ReadBox(JsonElement box) =>
        new(box.GetProperty("top").GetInt32(), box.GetProperty("left").GetInt32(), box.GetProperty("bottom").GetInt32(),
            box.GetProperty("right").GetInt32());

    private static void WriteArray(Utf8JsonWriter json, string name, MixPlan plan, Action<Utf8JsonWriter, ImagePlan> write)
    {
        json.WriteStartArray(name);
        foreach (var image in plan.Images)
            write(json, image);
        json.WriteEndArray();
    }
}
