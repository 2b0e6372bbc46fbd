using System.Buffers;
using System.CommandLine;
using System.Text;
using System.Text.Json;
using Patchwork.Cli.Terminal;
using Patchwork.Mixing;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;

namespace Patchwork.Cli.Commands;

/// <summary><c>plan</c>: draws mixing plans and prints them as JSON lines.</summary>
internal static class PlanCommand
{
    // The same limit as in recipes.
    private const int LargestSide = 1024;

    // Bytes to collect before writing: standard output is not buffered.
    private const int Block = 1 << 16;

    public static Command Create()
    {
        var count = WholeOption.Create("--batch", "images per batch", 4, 1, 65_536);
        var height = WholeOption.Create("--height", "rows per image", 32, 1, LargestSide);
        var width = WholeOption.Create("--width", "columns per image", 32, 1, LargestSide);
        var draws = WholeOption.Create("--draws", "plans to draw", 10, 1, 1_000_000);
        var common = new CommonOptions();
        var recipe = new RecipeOptions().Mixing();
        var command = new Verb("plan", "Draws mixing plans and prints them as JSON lines, without pixels. \"mixed\" is false if a plan "
            + "changes nothing: every image is its own partner, or every box is empty.",
            new("patchwork plan --method cutmix --draws 3", "three plans for batches of 4"),
            new("patchwork plan --method cutmix --preset timm --batch 128 --height 224 --width 224", "timm's boxes at 224×224"))
        {
            count, height, width, draws,
        };
        recipe.AddTo(command);
        common.AddTo(command);
        command.SetAction(parsed =>
        {
            var chosen = recipe.Over(new Recipe { Method = DefaultExperiment.Method }, parsed);
            var stack = chosen.Resolve().Stack;
            IPlanner planner = stack.Mixer ?? (stack.Erasers.Count > 0 ? stack.Erasers[0] : (IPlanner?)null)
                ?? throw new InputException($"plan needs a --method that mixes or erases pixels. Received: {chosen.Method}, whose draws "
                    + "are made inside a network.");
            if (planner.Needs != Needs.Nothing || planner is IRecursiveMixer or OneOf { IsRecursive: true })
                throw new InputException($"plan needs a --method that looks neither at pixels nor at earlier batches. Received: "
                    + $"{chosen.Method}, which does. Use preview instead.");
            var seeds = new SeedStream(chosen.Seed);
            var lines = new ArrayBufferWriter<byte>(2 * Block);
            var (images, rows, columns) = (parsed.GetValue(count), parsed.GetValue(height), parsed.GetValue(width));
            for (var draw = 0; draw < parsed.GetValue(draws); draw++)
            {
                Write(lines, draw, planner.Plan(new MixContext(images, rows, columns, seeds.Open("mix", 0, draw))));
                if (lines.WrittenCount >= Block)
                    Flush(lines, parsed.Output);
            }
            Flush(lines, parsed.Output);
            return 0;
        });
        return command;
    }

    // "mixed" says whether any row of the plan receives pixels from another row; a row that is its own partner, or whose box is
    // empty, receives none. One line: {"draw","method","mixed","partners":[],"boxes":[{"top","left","bottom","right"}],"lambdas":[]}
    private static void Write(ArrayBufferWriter<byte> output, int draw, MixPlan plan)
    {
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteNumber("draw", draw);
            json.WriteString("method", plan.Method);
            json.WriteBoolean("mixed", plan.ChangesPixels);
            json.WriteStartArray("partners");
            foreach (var image in plan.Images)
                json.WriteNumberValue(image.Partner);
            json.WriteEndArray();
            json.WriteStartArray("boxes");
            foreach (var image in plan.Images)
                image.Region.Reach(plan.Height, plan.Width).WriteTo(json);
            json.WriteEndArray();
            json.WriteStartArray("lambdas");
            foreach (var image in plan.Images)
                json.WriteNumberValue(image.Lambda);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.Write("\n"u8);
    }

    private static void Flush(ArrayBufferWriter<byte> lines, TextWriter output)
    {
        output.Write(Encoding.UTF8.GetString(lines.WrittenSpan));
        lines.ResetWrittenCount();
    }
}
