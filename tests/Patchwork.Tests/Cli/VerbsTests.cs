using System.Text.Json;
using Patchwork.Mixing;
using Patchwork.Recipes;
using Patchwork.Tests.Data;
using Patchwork.Tests.Support;
using SkiaSharp;
using Xunit;

namespace Patchwork.Tests.Cli;

[Collection(ProcessesCollection.Name)]
public sealed class VerbsTests : IDisposable
{
    private readonly PictureSet files = new();

    public void Dispose() => files.Dispose();

    private static CommandResult Succeed(params string[] arguments)
    {
        var result = CommandLine.Run(arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        return result;
    }

    private static string[] Keys(JsonElement json) => [.. json.EnumerateObject().Select(property => property.Name)];

    [Fact]
    public void Methods_lists_CutMix_with_its_defaults()
    {
        var cutmix = Succeed("methods", "--json").Json().EnumerateArray()
            .Single(method => method.GetProperty("id").GetString() == "cutmix");
        var defaults = cutmix.GetProperty("defaults");
        Assert.Equal("1", defaults.GetProperty("alpha").GetString());
        Assert.Equal("clipped", defaults.GetProperty("placement").GetString());
    }

    [Fact]
    public void Methods_lists_every_method_under_its_kind()
    {
        var output = Succeed("methods").Output;
        Assert.All(Methods.All, method => Assert.Contains(method.Id, output, StringComparison.Ordinal));
        Assert.All((string[])["mixes pixels", "mixes features", "erases", "labels"], kind =>
            Assert.Contains(kind, output, StringComparison.Ordinal));
        Assert.Equal("input,layer1,layer2", Succeed("methods", "manifoldmixup", "--json").Json()[0].GetProperty("defaults")
            .GetProperty("layers").GetString());
    }

    [Fact]
    public void The_details_of_a_method_show_the_name_and_the_values_of_each_option()
    {
        var output = Succeed("methods", "shakedrop").Output;
        Assert.All((string[])["shakedrop.level", "image", "batch, image, channel, pixel", "shakedrop.alpha", "-1,1"], text =>
            Assert.Contains(text, output, StringComparison.Ordinal));
        Assert.Contains("input,layer1,layer2", Succeed("methods", "manifoldmixup").Output, StringComparison.Ordinal);
        Assert.Contains("stands alone", CommandLine.Run("methods", "baseline").Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_are_set_by_name_and_override_those_of_the_recipe_file()
    {
        files.Paint(perClass: 10);
        File.WriteAllText(files.At("recipe.json"), """{"method":"cutout+shakedrop","options":{"level":"channel","cutout.length":8}}""");
        Succeed(["train", files.At("recipe.json"), "--set", "level=pixel", "--set", "holes=2", .. files.Flags("run")]);
        var stored = Recipe.FromJson(File.ReadAllText(files.At("run/recipe.json")));
        Assert.Equal([("cutout.length", "8"), ("holes", "2"), ("level", "pixel")],
            stored.Options!.Select(option => (option.Key, option.Value)));
        Succeed("predict", files.At("run"), Path.Combine(files.Pictures, "red", "003.png"), "--json");
        using var card = JsonDocument.Parse(File.ReadAllText(files.At("run/checkpoints/model.json")));
        Assert.Equal("""{"shakedrop.level":"pixel"}""", JsonSerializer.Serialize(card.RootElement.GetProperty("options")));
    }

    [Fact]
    public void Shared_options_of_a_comparison_go_to_the_methods_that_have_them()
    {
        files.Paint(perClass: 10);
        Succeed(["compare", "--methods", "baseline,cutout,mixup,cutmix", "--seeds", "1", "--alpha", "0.25", "--set", "holes=2",
            "--strengths", "probability 0:0 1:1", .. files.Flags("out")]);
        Recipe Of(string method) => Recipe.FromJson(File.ReadAllText(files.At($"out/{method}-seed1/recipe.json")));
        Assert.Equal([null, null, 0.25, 0.25], ((string[])["baseline", "cutout", "mixup", "cutmix"]).Select(method => Of(method).Alpha));
        Assert.Equal([null, "2", null, null], ((string[])["baseline", "cutout", "mixup", "cutmix"])
            .Select(method => Of(method).Options?["holes"]));
        Assert.Equal([false, true, true, true], ((string[])["baseline", "cutout", "mixup", "cutmix"])
            .Select(method => Of(method).Strengths is not null));
    }

    // Older versions also stored settings that have no effect in the run.
    [Fact]
    public void A_comparison_resumes_runs_whose_recipes_have_unused_settings()
    {
        files.Paint(perClass: 10);
        string[] line = ["compare", "--methods", "baseline", "--seeds", "1", .. files.Flags("out")];
        Succeed(line);
        var recipe = files.At("out/baseline-seed1/recipe.json");
        File.WriteAllText(recipe, (Recipe.FromJson(File.ReadAllText(recipe)) with { Alpha = 0.25 }).ToJson());
        Succeed(line);
        Succeed("train", "--resume", "--out", files.At("out/baseline-seed1"));
    }

    [Fact]
    public void Preview_writes_a_sheet_that_grows_with_its_rows()
    {
        SKSizeI Sheet(string count)
        {
            var path = files.At($"{count}.png");
            var answer = Succeed("preview", "--count", count, "--out", path, "--json").Json();
            Assert.Equal(path, answer.GetProperty("preview").GetString());
            using var sheet = SKBitmap.Decode(path);
            return new SKSizeI(sheet.Width, sheet.Height);
        }
        Succeed("preview", "--dataset", "shapes", "--objects", "--count", "1", "--out", files.At("objects.png"));
        Succeed("preview", "--count", "1", "--out", files.At("plain.png"));
        Assert.NotEqual(File.ReadAllBytes(files.At("objects.png")), File.ReadAllBytes(files.At("plain.png")));
        var (one, four) = (Sheet("1"), Sheet("4"));
        Assert.Equal(one.Width, four.Width);
        Assert.InRange(one.Width, 4 * 32, 4000);      // original, partner, mixed, difference
        Assert.InRange(four.Height, one.Height + 3 * 32, 4 * one.Height);
    }

    [Fact]
    public void Train_fills_a_run_folder_and_predict_reads_it()
    {
        files.Paint();
        var result = Succeed(["train", "--method", "cutmix", "--json", .. files.Flags("run")]).Json();
        Assert.Equal(2, result.GetProperty("epochs").GetInt32());
        var run = files.At("run");
        string[] names = ["recipe.json", "environment.json", "metrics.jsonl", "result.json",
            .. ((string[])["last.safetensors", "best.safetensors", "last.state.json", "last.optimizer",
                "model.json"]).Select(name => $"checkpoints/{name}")];
        Assert.All(names, name => Assert.True(File.Exists(Path.Combine(run, name)), name));
        // The previous generation is not needed after the run has ended.
        Assert.Empty(Directory.GetFiles(Path.Combine(run, "checkpoints"), "previous.*"));
        Assert.Single(Directory.GetFiles(run, "events.out.tfevents.*"));
        Assert.Empty(Directory.GetFiles(run, "*.partial", SearchOption.AllDirectories));
        Assert.Empty(Directory.GetFiles(run, "*.new", SearchOption.AllDirectories));
        var lines = File.ReadAllLines(Path.Combine(run, "metrics.jsonl"));
        Assert.Equal(2, lines.Length);
        foreach (var line in lines)
        {
            Assert.Equal(
                ["data_wait", "epoch", "images_per_second", "learning_rate", "mix/replaced_area", "mix/share_mixed", "train/accuracy",
                    "train/loss", "val/loss", "val/top1_error", "val/top5_error"],
                Keys(JsonDocument.Parse(line).RootElement).Order(StringComparer.Ordinal));
        }
        using var environment = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "environment.json")));
        Assert.All((string[])["processor", "torchThreads", "commit", "command", "torch"], key =>
            Assert.Contains(key, Keys(environment.RootElement)));

        var picture = Path.Combine(files.Pictures, "red", "003.png");
        var answer = Succeed("predict", run, picture, "--json").Json()[0];
        Assert.Equal(picture, answer.GetProperty("image").GetString());
        var classes = answer.GetProperty("classes").EnumerateArray().ToArray();
        Assert.Equal(["blue", "green", "red"], classes.Select(entry => entry.GetProperty("class").GetString()!)
            .Order(StringComparer.Ordinal));
        Assert.Equal(1, classes.Sum(entry => entry.GetProperty("probability").GetDouble()), 1e-5);
    }

    [Fact]
    public void Mix_writes_pictures_that_match_their_rows()
    {
        var folder = files.At("mixed");
        Succeed("mix", "shapes", "--count", "70", "--scope", "example", "--out", folder);
        var rows = File.ReadAllLines(Path.Combine(folder, "targets.csv")).Skip(1).Select(row => row.Split(',')).ToArray();
        Assert.Equal(70, rows.Length);
        Assert.Equal(10, File.ReadAllLines(Path.Combine(folder, "classes.txt")).Length);
        var shapes = Patchwork.Data.DatasetCatalogue.Open("shapes", new Patchwork.Data.DataOptions()).Train;
        foreach (var row in rows)
        {
            int Number(int column) => int.Parse(row[column], System.Globalization.CultureInfo.InvariantCulture);
            var (own, partner, box) = (Number(4), Number(5), new Patchwork.Plans.Box(Number(6), Number(7), Number(8), Number(9)));
            Assert.Equal((shapes.Label(own), shapes.Label(partner)), (Number(1), Number(2)));
            Assert.Equal(1 - box.Area / 1024.0, double.Parse(row[3], System.Globalization.CultureInfo.InvariantCulture), 1e-12);
            using var picture = SKBitmap.Decode(Path.Combine(folder, row[0]));
            for (var y = 0; y < 32; y++)
            {
                for (var x = 0; x < 32; x++)
                {
                    var from = shapes.Read(box.Contains(y, x) ? partner : own, []);
                    Assert.Equal(new SKColor(from[y * 32 + x], from[1024 + y * 32 + x], from[2048 + y * 32 + x]), picture.GetPixel(x, y));
                }
            }
        }
        Assert.Contains("which already exists", CommandLine.Run("mix", "shapes", "--out", folder).Refusal(), StringComparison.Ordinal);
        Assert.Contains("'shapes'", CommandLine.Run("mix", "shaps", "--out", files.At("other")).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_grey_set_is_previewed_trained_on_and_predicted()
    {
        IdxFilesTests.Write(files.Folder, train: 60);
        string[] data = ["--dataset", "mnist", "--data", files.Folder];
        Succeed(["preview", .. data, "--count", "2", "--out", files.At("sheet.png")]);
        Succeed(["train", .. data, "--method", "cutmix", "--epochs", "1", "--threads", "1", "--out", files.At("run")]);
        var picture = PictureFiles.WriteNoise(files.At("colourful.png"));
        var classes = Succeed("predict", files.At("run"), picture, "--top", "10", "--json").Json()[0].GetProperty("classes")
            .EnumerateArray();
        Assert.Equal(1, classes.Sum(entry => entry.GetProperty("probability").GetDouble()), 1e-3);
        using var card = JsonDocument.Parse(File.ReadAllText(files.At("run/checkpoints/model.json")));
        Assert.Equal((1, 28), (card.RootElement.GetProperty("channels").GetInt32(), card.RootElement.GetProperty("height").GetInt32()));
    }

    [Fact]
    public void Flags_override_a_recipe_file()
    {
        files.Paint(perClass: 10);
        File.WriteAllText(files.At("recipe.json"), """{"method":"cutmix","alpha":0.25,"batchSize":16,"epochs":7}""");
        Succeed(["train", files.At("recipe.json"), .. files.Flags("run")]);
        var stored = Recipe.FromJson(File.ReadAllText(Path.Combine(files.At("run"), "recipe.json")));
        Assert.Equal(("cutmix", 0.25, 4, 2), (stored.Method, stored.Alpha, stored.BatchSize, stored.Epochs));
    }

    [Fact]
    public void Compare_skips_finished_runs_and_rejects_those_of_another_recipe()
    {
        files.Paint(perClass: 10);
        string[] line = ["compare", "--seeds", "2", .. files.Flags("out")];
        var first = Succeed([.. line, "--json"]).Json();
        using (var written = JsonDocument.Parse(File.ReadAllText(Path.Combine(files.At("out"), "compare.json"))))
            Assert.Equal(Keys(first), Keys(written.RootElement));
        string[] runs = [.. ((string[])["baseline", "cutmix", "cutout", "mixup"])
            .SelectMany(method => (string[])[$"{method}-seed1", $"{method}-seed2"])];
        Assert.Equal(runs, Directory.GetDirectories(files.At("out")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.All(runs, run => Assert.True(File.Exists(Path.Combine(files.At("out"), run, "result.json")), run));

        var report = File.ReadAllText(Path.Combine(files.At("out"), "report.html"));
        Assert.DoesNotMatch("""(src|href)\s*=\s*["']?(https?:)?//""", report);
        Assert.DoesNotMatch("""@import|url\(\s*["']?https?:""", report);

        DateTime[] Stamps() =>
            [.. runs.SelectMany(run => Directory.GetFiles(Path.Combine(files.At("out"), run), "*", SearchOption.AllDirectories))
            .Order(StringComparer.Ordinal).Select(File.GetLastWriteTimeUtc)];
        var before = Stamps();
        var second = Succeed([.. line, "--markdown"]);
        Assert.Equal(before, Stamps());
        Assert.Contains("| cutmix", second.Output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("another recipe than the requested one: lr is null, not 0.5.", CommandLine.Run([.. line, "--lr", "0.5"]).Refusal(),
            StringComparison.Ordinal);
    }
}
