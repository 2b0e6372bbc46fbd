using System.Text.RegularExpressions;
using Patchwork.Claims;
using Patchwork.Comparisons;
using Patchwork.Evaluation;
using Patchwork.Mixing;
using Patchwork.Runs;
using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Docs;

/// <summary>The table and the figures of the page of claims are those that the files of results give.</summary>
[Collection(SerialCollection.Name)]
public sealed class ClaimsPageTests : IDisposable
{
    private static readonly Page Page = new(Repository.File("results"));
    private readonly PictureSet files = new PictureSet().Paint(perClass: 10);

    public void Dispose() => files.Dispose();

    [Fact]
    public void The_table_is_made_from_the_results()
    {
        var page = File.ReadAllText(Repository.File("docs/guide/claims.md"));
        Assert.Equal(Page.Filled(page), page);
    }

    [Fact]
    public void The_figures_are_made_from_the_results()
    {
        var figures = Page.Figures();
        var folder = Repository.File("docs/images/claims");
        Assert.Equal(figures.Keys.Order(), Directory.Exists(folder) ? Directory.GetFiles(folder).Select(file => Path.GetFileName(file)).Order() : []);
        Assert.All(figures, figure => Assert.Equal(figure.Value, File.ReadAllText(Repository.File($"docs/images/claims/{figure.Key}"))));
        Assert.All(figures.Keys, file =>
            Assert.Contains($"images/claims/{file}", File.ReadAllText(Repository.File("docs/guide/claims.md")), StringComparison.Ordinal));
    }

    // Every experiment is a command that compare accepts, up to the files that it needs.
    [Fact]
    public void Every_experiment_is_a_valid_command()
    {
        Assert.Equal(Experiment.All.Count, Experiment.All.Select(experiment => experiment.Name).Distinct().Count());
        var nothing = ResultFile.Read(files.Folder, "nothing");
        foreach (var flags in Experiment.All.SelectMany(one => one.Steps(nothing).Select(step => step.Arguments).Append(one.Arguments))
            .Distinct())
        {
            var error = CommandLine.Run(["compare", .. flags.Split(' '), "--data", files.At("missing"), "--out", files.At("out")]).Refusal();
            Assert.Contains(flags.Contains("--dataset clothing", StringComparison.Ordinal) ? "is embedded" : "missing", error,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Weights_are_read_where_they_are_kept()
    {
        var kept = Experiment.All.Where(one => one.KeepsWeights).SelectMany(one => one.Methods.Select(method =>
            $"results/weights/{RunFolder.NameOf(one.Name, method, "seed1")}.safetensors"))
            .Concat(Directory.GetFiles(Repository.File("results/weights")).Select(file => $"results/weights/{Path.GetFileName(file)}")).ToHashSet();
        foreach (var experiment in Experiment.All.Where(one => one.Arguments.Contains("--weights results", StringComparison.Ordinal)))
        {
            var arguments = experiment.Arguments.Split(' ');
            var pattern = arguments[Array.IndexOf(arguments, "--weights") + 1];
            Assert.All(experiment.Methods, method => Assert.Contains(Comparison.WeightsOf(pattern, method, seed: 1), kept));
        }
    }

    [Fact]
    public void Every_claim_is_tested_by_an_experiment_and_its_methods()
    {
        foreach (var claim in Paper.Claims)
        {
            var experiment = Experiment.All.Single(one => one.Name == claim.Experiment);
            var arguments = experiment.Arguments.Split(' ');
            Assert.Contains(claim.Method, experiment.Methods);
            Assert.Contains(claim.Against, experiment.Methods);
            if (claim.Metric.Split('.') is [var id, var metric])
            {
                Assert.Contains(id, arguments[Array.IndexOf(arguments, "--evaluate") + 1].Split(','));
                var headline = Suites.All.Single(suite => suite.Id == id).Headlines.Single(headline => headline.Metric == metric);
                Assert.Equal(headline.LowerIsBetter, claim.LowerIsBetter);
            }
        }
    }

    // Gains of 1, 2, 3: mean 2 ± 2.48, so nothing can be seen, and 3 seeds find 3.264 standard deviations.
    [Theory]
    [InlineData("30,30,30", "29,28,27", "30.00 to 28.00 %: gain 2.00 ± 2.48 over 3 seeds", "cannot be seen; about 3.26 would be detected")]
    [InlineData("30,30,30", "28,27.9,28.1", "30.00 to 28.00 %: gain 2.00 ± 0.25 over 3 seeds", "**holds**")]
    [InlineData("28,27.9,28.1", "30,30,30", "28.00 to 30.00 %: gain -2.00 ± 0.25 over 3 seeds", "**refuted**")]
    [InlineData("30", "20", "30.00 to 20.00 %, one seed", "not decided by one seed")]
    public void A_claim_is_judged_by_the_interval_over_the_seeds(string baseline, string cutmix, string here, string verdict)
    {
        IEnumerable<string> Rows(string method, string errors) =>
            errors.Split(',').Select((error, k) => $"{method},{k + 1},{error}");
        File.WriteAllLines(files.At("toy.csv"), ["method,seed,test_error_last", .. Rows("baseline", baseline), .. Rows("cutmix", cutmix)]);
        Assert.Equal((here, verdict), new Claim("fewer errors", "", "toy").Judged(ResultFile.Read(files.Folder, "toy")));
        File.WriteAllLines(files.At("toy-evaluation.csv"), ["suite,metric,method,seed,value",
            "ood,auroc,baseline,1,0.5", "ood,auroc,baseline,2,0.5", "ood,auroc,cutmix,1,0.59", "ood,auroc,cutmix,2,0.61",
            "ood,auroc,cutmix,3,0.1"]);      // of the third seed there is no baseline
        File.WriteAllLines(files.At("toy-differences.csv"), ["suite,metric,method,images_low,images_high,seeds",
            "ood,auroc,cutmix,-0.1,0.3,2"]);
        Assert.Equal(("50.00 to 60.00 %: gain 10.00 ± 12.71 over 2 seeds, ± 20.00 over the images",
            "cannot be seen; about 28.59 would be detected"),
            new Claim("", "", "toy", "ood.auroc") { LowerIsBetter = false }.Judged(ResultFile.Read(files.Folder, "toy")));
        Assert.Null(new Claim("fewer errors", "", "other").Judged(ResultFile.Read(files.Folder, "other")));
    }

    // One seed decides nothing, but how much depends on the choice of test images can be said.
    [Fact]
    public void A_claim_of_one_seed_states_the_interval_over_the_images()
    {
        File.WriteAllLines(files.At("toy.csv"), ["method,seed,test_error_last", "baseline,1,30", "cutmix,1,27.5"]);
        File.WriteAllLines(files.At("toy-differences.csv"), ["suite,metric,method,images_low,images_high,seeds",
            "clean,top1_error,cutmix,-0.035,-0.015,1"]);
        Assert.Equal(("30.00 to 27.50 %, one seed: gain 2.50 ± 1.00 over the images", "not decided by one seed"),
            new Claim("fewer errors", "", "toy").Judged(ResultFile.Read(files.Folder, "toy")));
        // The interval of the first seed says nothing about two.
        File.AppendAllLines(files.At("toy.csv"), ["baseline,2,30", "cutmix,2,27.5"]);
        Assert.Equal(("30.00 to 27.50 %: gain 2.50 ± 0.00 over 2 seeds", "**holds**"),
            new Claim("fewer errors", "", "toy").Judged(ResultFile.Read(files.Folder, "toy")));
    }

    [Fact]
    public void The_page_says_what_was_not_measured_and_what_is_not_finished()
    {
        File.WriteAllLines(files.At("cifar100-full.csv"), ["method,seed,test_error_last", "baseline,1,40", "mixup,1,39", "baseline,2,41"]);
        var template = File.ReadAllText(Repository.File("docs/guide/claims.md"));
        var page = new Page(files.Folder).Filled(template);
        Assert.Contains("\nNot measured yet: `cifar10-full`; `cifar10-full-plain`; ", page, StringComparison.Ordinal);
        Assert.Contains("\nNot finished: `cifar100-full`, 3 of 12 runs.\n", page, StringComparison.Ordinal);
        foreach (var experiment in Experiment.All)      // a complete one is in neither list
        {
            File.WriteAllLines(files.At($"{experiment.Name}.csv"), ["method,seed,test_error_last,seconds", .. from method in experiment.Methods
                from seed in Enumerable.Range(1, experiment.Seeds) select $"{method},{seed},40,60"]);
        }
        Assert.DoesNotContain("\nNot ", new Page(files.Folder).Filled(template), StringComparison.Ordinal);
    }

    // Puzzle gains 4 points in 2 minutes, cutout 3 in 1; mixup and cutmix lose, by 1 and 2 points. Seed 3 of cutout has no baseline.
    [Fact]
    public void Methods_are_sorted_by_what_they_gain_for_a_minute()
    {
        File.WriteAllLines(files.At("gains.csv"), ["method,seed,test_error_last,seconds",
            "baseline,1,30,60", "baseline,2,32,60", "cutmix,1,32,30", "mixup,1,31,600",
            "puzzlemix,1,26,150", "puzzlemix,2,28,120", "cutout,1,28,60", "cutout,2,28,400", "cutout,3,1,60"]);
        Assert.Equal(
            [
                "| method | test error, % | gain over the seeds, points | shortest training, min | points per minute |",
                "|---|---|---|---|---|",
                "| `cutout` | 28.00 | 3.00 ± 12.71 | 1.00 | 3.00 |",
                "| `puzzlemix` | 27.00 | 4.00 ± 0.00 | 2.00 | 2.00 |",
                "| `mixup` | 31.00 | -1.00 | 10.00 | - |",
                "| `cutmix` | 32.00 | -2.00 | 0.50 | - |",
            ],
            Gain.Table(ResultFile.Read(files.Folder, "gains")).TrimEnd('\n').Split('\n'));
        Assert.Empty(Gain.Table(ResultFile.Read(files.Folder, "nothing")));
    }

    [Fact]
    public void A_method_that_fails_is_named_and_does_not_squeeze_the_others()
    {
        File.WriteAllLines(files.At("clothing-all.csv"), ["method,seed,test_error_last",
            "baseline,1,30", "cutmix,1,28", "mixup,1,60", "shakedrop,1,75"]);
        var figure = new Page(files.Folder).Figures()["all.svg"];
        Assert.Contains("<title>All methods but shakedrop (75.0 %)</title>", figure, StringComparison.Ordinal);
        Assert.Equal(3, Regex.Count(figure, "<circle"));      // twice the baseline's error is still drawn
    }

    // compare states the interval over the images for the baseline; for other pairs it must be the same calculation.
    [Fact]
    public void Two_methods_are_compared_on_the_same_images_as_compare_does_with_the_baseline()
    {
        Assert.Equal(0, CommandLine.Run(["compare", "--dataset", "folder", "--data", files.Pictures, "--image-size", "16", "--epochs", "1",
            "--batch-size", "4", "--methods", "baseline,cutmix,mixup", "--seeds", "2", "--evaluate", "clean", "--threads", "1", "--quiet",
            "--out", files.At("results/toy")]).ExitCode);
        var runs = Directory.GetDirectories(files.At("results/toy")).Where(folder => File.Exists(Path.Combine(folder, "recipe.json")))
            .Select(RunFolder.Open).ToArray();
        var pairs = PairedErrors.Table(runs, [("cutmix", "baseline"), ("cutmix", "mixup"), ("cutmix", "cutout")]).Rows;
        Assert.Equal(["cutmix-baseline", "cutmix-mixup"], pairs.Select(row => $"{row[2]}-{row[3]}"));      // nobody trained Cutout
        var stated = File.ReadLines(files.At("results/toy/differences.csv")).Single(line => line.StartsWith("clean,top1_error,cutmix,",
            StringComparison.Ordinal)).Split(',');
        Assert.Equal([.. stated[3..6], "2"], pairs[0].Skip(4));
        Assert.Equal(["mixup", "cutout"], PairedErrors.Of(Experiment.All.Single(one => one.Name == "clothing-seeds"))
            .Select(pair => pair.Against).Distinct().OrderDescending());
    }

    // As on another machine, which has the results and not the runs.
    [Fact]
    public void Runs_whose_weights_are_kept_are_not_trained_again()
    {
        var data = $"--dataset folder --data {files.Pictures} --image-size 16 --model resnet8";
        var experiment = new Experiment("toy", $"{data} --epochs 1 --batch-size 4 --methods baseline,cutmix,mixup --seeds 2 "
            + "--precision float32 --threads 1 --evaluate clean")
        {
            KeepsWeights = true,
        };
        Directory.CreateDirectory(files.At("results/weights"));
        ResultFile Results() => ResultFile.Read(files.At("results"), "toy");
        void Train(string flags, string runs)
        {
            Assert.Equal(0, CommandLine.Run(["compare", .. flags.Split(' '), "--quiet", "--out", files.At(runs)]).ExitCode);
            Collector.Collect(experiment, files.At(runs), files.At("results"));
        }
        string[] Runs() => [.. experiment.Steps(Results()).Select(step => Regex.Match(step.Arguments, "--methods ([^ ]*)").Groups[1].Value
            + (step.Folder == "toy" ? Regex.Match(step.Arguments, " --seeds 1 --seed .*$").Value : " measured"))];

        Assert.Equal(["baseline,cutmix --seeds 1 --seed 1", "baseline,cutmix --seeds 1 --seed 2", "baseline,cutmix measured",
            "mixup --seeds 1 --seed 1", "mixup --seeds 1 --seed 2", "baseline,cutmix,mixup measured"], Runs());
        Train(experiment.Steps(Results())[1].Arguments, "here");
        Assert.Equal(["baseline,cutmix --seeds 1 --seed 1", "baseline,cutmix measured", "mixup --seeds 1 --seed 1",
            "mixup --seeds 1 --seed 2", "baseline,cutmix,mixup measured"], Runs());
        var first = Results().Of("cutmix", "test_error_last")[2];
        Train(experiment.Steps(Results())[0].Arguments, "there");
        Assert.Equal(["baseline,cutmix measured", "mixup --seeds 1 --seed 1", "mixup --seeds 1 --seed 2", "baseline,cutmix,mixup measured"],
            Runs());
        Assert.Equal([1, 2], Results().Of("baseline", "test_error_last").Keys);
        Assert.Equal(first, Results().Of("cutmix", "test_error_last")[2]);
        Assert.Equal(["toy-baseline-seed1.safetensors", "toy-baseline-seed2.safetensors", "toy-cutmix-seed1.safetensors",
            "toy-cutmix-seed2.safetensors"], Directory.GetFiles(files.At("results/weights")).Select(Path.GetFileName).Order());
        Assert.Equal(6, (experiment with { Arguments = experiment.Arguments.Replace("float32", "bfloat16", StringComparison.Ordinal) })
            .Steps(Results()).Count);      // all of it, in another precision

        var rows = File.ReadAllText(files.At("results/toy.csv"));
        Train(experiment.Steps(Results())[0].Arguments.Replace("results/weights", files.At("results/weights"), StringComparison.Ordinal),
            "stored");
        Assert.Equal(rows, File.ReadAllText(files.At("results/toy.csv")));
        Assert.Equal(first, Results().Of("cutmix", "clean.top1_error")[2], 0.01);
        Assert.NotNull(Results().OverImages("cutmix", "baseline", "test_error_last", seeds: 2));
        Assert.Equal(["mixup --seeds 1 --seed 1", "mixup --seeds 1 --seed 2", "baseline,cutmix,mixup measured"], Runs());
        File.WriteAllText(files.At("results/toy.csv"), Regex.Replace(rows, "^cutmix,2,1,[^,]*", "cutmix,2,1,0.42", RegexOptions.Multiline));
        Assert.Equal("baseline,cutmix measured", Runs()[0]);      // it was trained again since
    }

    [Fact]
    public void Of_stored_networks_those_that_are_there_are_measured()
    {
        var experiment = new Experiment("toy", $"--weights {files.Folder}/{{method}}-{{seed}}.safetensors --epochs 0 --methods "
            + "baseline,cutmix:alpha=2 --seeds 2 --evaluate clean");
        string[] Steps() => [.. experiment.Steps(ResultFile.Read(files.Folder, "toy")).Select(step => step.Arguments)];
        foreach (var name in (string[])["baseline-1", "cutmix-alpha=2-1", "cutmix-alpha=2-2"])
            File.WriteAllText(files.At($"{name}.safetensors"), "");
        Assert.Equal($"--weights {files.Folder}/{{method}}-{{seed}}.safetensors --epochs 0 --seeds 2 --evaluate clean --methods cutmix:alpha=2",
            Assert.Single(Steps()));
        File.WriteAllText(files.At("baseline-2.safetensors"), "");
        Assert.Equal(experiment.Arguments, Assert.Single(Steps()));
        File.Delete(files.At("baseline-2.safetensors"));
        File.Delete(files.At("cutmix-alpha=2-1.safetensors"));
        Assert.Empty(Steps());
    }

    [Fact]
    public void Only_finished_runs_are_collected_with_what_suites_measured()
    {
        var experiment = new Experiment("toy",
            $"--dataset folder --data {files.Pictures} --image-size 16 --epochs 1 --batch-size 4 --methods baseline,cutmix:alpha=2 --seeds 2 "
            + "--evaluate clean,adversarial --threads 1");
        Directory.CreateDirectory(files.At("results"));
        Assert.Equal(0, Collector.Collect(experiment, files.At("runs"), files.At("results")));
        Assert.Equal(0, CommandLine.Run(["compare", .. experiment.Arguments.Split(' '), "--quiet", "--out", files.At("runs")]).ExitCode);
        File.Delete(files.At("runs/cutmix-alpha=2-seed2/result.json"));      // as if it still ran
        Assert.Equal(3, Collector.Collect(experiment, files.At("runs"), files.At("results")));

        var results = ResultFile.Read(files.At("results"), "toy");
        Assert.Equal([1, 2], results.Of("baseline", "test_error_last").Keys);
        Assert.Equal([1], results.Of("cutmix:alpha=2", "test_error_last").Keys);
        Assert.Equal(results.Of("baseline", "test_error_last")[1], results.Of("baseline", "clean.top1_error")[1], 0.01);
        Assert.NotNull(results.OverImages("cutmix:alpha=2", "baseline", "test_error_last", seeds: 2));
        Assert.Contains(ResultFile.Curves(files.At("results"), "toy"), point => point is { Suite: "adversarial", Table: "pgd", X: 0.5 });
    }
}
