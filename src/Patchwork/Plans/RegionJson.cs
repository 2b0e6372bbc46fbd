using System.Runtime.InteropServices;
using System.Text.Json;

namespace Patchwork.Plans;

/// <summary>
/// Reads and writes regions as JSON: an object whose first key identifies the kind of region. A hard mask is written as the lengths of its
/// runs of equal weights, and any other mask as its floats in Base64 (little-endian).
/// </summary>
internal static class RegionJson
{
    public static void Write(Utf8JsonWriter json, Region region)
    {
        json.WriteStartObject();
        switch (region)
        {
            case BoxRegion { Box: var box }:
                WriteBox(json, "box", box);
                break;
            case ResizedRegion resized:
                WriteBox(json, "resized", resized.Box);
                WriteBox(json, "source", resized.Source);
                json.WriteString("interpolation", resized.Interpolation.ToString());
                break;
            case BlendRegion { Weight: var weight }:
                json.WriteNumber("blend", weight);
                break;
            case MaskRegion { IsHard: true, Weights: var weights }:
                json.WriteStartArray("runs");      // alternating runs of 1 (kept) and 0 (replaced), starting with 1
                foreach (var run in Runs(weights))
                    json.WriteNumberValue(run);
                json.WriteEndArray();
                break;
            case MaskRegion { Weights: var weights }:
                json.WriteBase64String("weights", MemoryMarshal.AsBytes(weights.AsSpan()));
                break;
            case TransportRegion transport:
                json.WriteNumber("blocks", transport.Side);
                WriteArray(json, "levels", transport.Weights, json.WriteNumberValue);
                WriteArray(json, "own", transport.Own, json.WriteNumberValue);
                WriteArray(json, "partner", transport.Partner, json.WriteNumberValue);
                break;
            case FillRegion fill:
                json.WriteStartArray("holes");
                foreach (var hole in fill.Holes)
                    hole.WriteTo(json);
                json.WriteEndArray();
                json.WriteString("fill", fill.Fill.ToString());
                json.WriteNumber("noiseKey", fill.NoiseKey);
                break;
        }
        json.WriteEndObject();
    }

    public static Region Read(JsonElement json)
    {
        if (json.TryGetProperty("box", out var box))
            return new BoxRegion(MixPlanJson.ReadBox(box));
        if (json.TryGetProperty("resized", out var resized))
            return new ResizedRegion(MixPlanJson.ReadBox(resized), MixPlanJson.ReadBox(json.GetProperty("source")),
                Name<Interpolation>(json, "interpolation"));
        if (json.TryGetProperty("blend", out var blend))
            return new BlendRegion(blend.GetDouble());
        if (json.TryGetProperty("runs", out var runs))
            return new MaskRegion(FromRuns(Whole(runs)));
        if (json.TryGetProperty("weights", out var weights))
            return new MaskRegion(MemoryMarshal.Cast<byte, float>(weights.GetBytesFromBase64()).ToArray());
        if (json.TryGetProperty("blocks", out var blocks))
            return new TransportRegion(blocks.GetInt32(),
                [.. json.GetProperty("levels").EnumerateArray().Select(level => level.GetSingle())],
                Whole(json.GetProperty("own")), Whole(json.GetProperty("partner")));
        return new FillRegion([.. json.GetProperty("holes").EnumerateArray().Select(MixPlanJson.ReadBox)], Name<Fill>(json, "fill"),
            json.GetProperty("noiseKey").GetUInt64());
    }

    private static void WriteBox(Utf8JsonWriter json, string name, Box box)
    {
        json.WritePropertyName(name);
        box.WriteTo(json);
    }

    private static void WriteArray<T>(Utf8JsonWriter json, string name, T[] values, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            write(value);
        json.WriteEndArray();
    }

    private static int[] Whole(JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];

    private static T Name<T>(JsonElement json, string key) where T : struct, Enum =>
        Enum.TryParse<T>(json.GetProperty(key).GetString(), out var value) && Enum.IsDefined(value) ? value
            : throw new FormatException($"{key} is unknown");

    private static List<int> Runs(float[] weights)
    {
        List<int> runs = [];
        var (value, from) = (1f, 0);
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] == value)
                continue;
            runs.Add(i - from);
            (value, from) = (weights[i], i);
        }
        runs.Add(weights.Length - from);
        return runs;
    }

    private static float[] FromRuns(int[] runs)
    {
        const int largest = 1 << 26;      // pixels of a mask: 64 megapixels
        if (runs.Any(run => run is < 0 or > largest) || runs.Sum(run => (long)run) is > largest)
            throw new FormatException("a mask's runs are negative or too long");
        var weights = new float[runs.Sum()];
        var at = 0;
        for (var i = 0; i < runs.Length; at += runs[i++])
            weights.AsSpan(at, runs[i]).Fill(i % 2 == 0 ? 1 : 0);
        return weights;
    }
}
