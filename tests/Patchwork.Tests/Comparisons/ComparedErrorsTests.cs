using Patchwork.Comparisons;
using Patchwork.Recipes;
using Patchwork.Runs;
using Xunit;

namespace Patchwork.Tests.Comparisons;

/// <summary>The statements of a comparison about given test errors.</summary>
public sealed class ComparedErrorsTests
{
    private static ComparedErrors Of(params (string Method, double[] Errors)[] methods)
    {
        var recipe = new Recipe { Epochs = 1 };
        ComparedRun Run(string method, int seed, double error)
        {
            var score = new TestScore(1, 1, error / 100, 0);
            return new(method, (ulong)seed, $"{method}-seed{seed}", new RunResult(score, score, false, 1, 1, 1, 1000));
        }
        var runs = methods.SelectMany(one => one.Errors.Select((error, i) => Run(one.Method, i + 1, error)));
        var result = new ComparisonResult(recipe, recipe.Resolve([.. methods.Select(one => one.Method)]), [.. runs]);
        return new(result, new ComparedTraining(result), null);
    }

    // Two methods with one run each, whose validation errors per epoch are given.
    private static string Line(double[] baseline, double[] cutmix)
    {
        var folder = Directory.CreateTempSubdirectory("patchwork-errors-").FullName;
        try
        {
            var recipe = new Recipe { Epochs = baseline.Length };
            ComparedRun Run(string method, double[] errors)
            {
                var path = Directory.CreateDirectory(Path.Combine(folder, method)).FullName;
                File.WriteAllLines(Path.Combine(path, "metrics.jsonl"), errors.Select((error, i) =>
                    FormattableString.Invariant($$"""{"epoch":{{i + 1}},"val/top1_error":{{error / 100}}}""")));
                var score = new TestScore(1, 1, 0.3, 0);
                return new(method, 1, path, new RunResult(score, score, false, 1, 1, 1, 1000));
            }
            var result = new ComparisonResult(recipe, recipe.Resolve(["baseline", "cutmix"]), [Run("baseline", baseline), Run("cutmix", cutmix)]);
            return Assert.Single(new ComparedErrors(result, new ComparedTraining(result), null).Lines());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_method_that_still_learns_faster_than_the_baseline_had_not_finished() =>
        Assert.EndsWith("It had not finished learning: its validation error was 40.0 % in the third quarter of the 4 epochs and 30.0 % in the "
            + "last; compare longer runs, of 8 epochs.", Line([60, 50, 40, 39], [80, 60, 40, 30]), StringComparison.Ordinal);

    [Theory, InlineData(40, 39, 40, 38), InlineData(40, 30, 40, 30), InlineData(0, 0, 40, 20), InlineData(40, 30, 0, 0)]
    public void A_method_that_learns_no_faster_and_errors_of_zero_are_not_flagged(double third, double last, double ownThird, double ownLast) =>
        Assert.DoesNotContain("had not finished", Line([60, 50, third, last], [60, 50, ownThird, ownLast]), StringComparison.Ordinal);

    [Fact]
    public void Runs_of_fewer_than_four_epochs_have_no_quarters() =>
        Assert.DoesNotContain("had not finished", Line([60, 50, 49], [60, 40, 20]), StringComparison.Ordinal);

    // Differences -4, -3, -2: mean -3, standard deviation 1, so ± 4.303 / √3.
    [Fact]
    public void The_answer_names_the_best_method_with_its_interval_over_the_seeds()
    {
        var errors = Of(("baseline", [30, 30, 30]), ("cutout", [29, 29, 29]), ("cutmix", [26, 27, 28]));
        Assert.Equal("Do Cutout or CutMix make fewer errors than the baseline on clothing?", errors.Question);
        Assert.Equal("CutMix lowers the test error from 30.00 to 27.00 %, by 3.00 points (95 % interval of the gain over 3 seeds: 0.52 to 5.48); "
            + "Cutout 29.00 %.", errors.Answer);
    }

    [Fact]
    public void The_answer_says_when_the_interval_includes_no_difference_or_is_unknown()
    {
        Assert.Contains("which includes 0, so this may be noise", Of(("baseline", [30, 30]), ("cutmix", [25, 29])).Answer, StringComparison.Ordinal);
        Assert.Equal("CutMix lowers the test error from 30.00 to 27.00 %, by 3.00 points (one seed, so the spread is unknown).",
            Of(("baseline", [30]), ("cutmix", [27])).Answer);
    }

    [Fact]
    public void The_answer_is_no_when_the_baseline_is_best() =>
        Assert.Equal("No: the best method, Cutout, has a test error of 31.00 %, the baseline 30.00 % (95 % interval of the gain over 2 seeds: "
            + "-1.00 to -1.00); CutMix 33.00 %.", Of(("baseline", [30, 30]), ("cutmix", [33, 33]), ("cutout", [31, 31])).Answer);

    [Fact]
    public void Many_methods_are_grouped_by_whether_they_beat_the_baseline()
    {
        var errors = Of(("baseline", [30]), ("cutmix", [27]), ("mixup", [28]), ("cutout", [31]), ("fmix", [29]), ("gridmix", [32]));
        Assert.Equal("Which methods make fewer errors than the baseline on clothing?", errors.Question);
        Assert.EndsWith("; also lower: Mixup 28.00 % and FMix 29.00 %; not lower: Cutout 31.00 % and GridMix 32.00 %.", errors.Answer,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_baseline_the_answer_lists_the_errors() =>
        Assert.Equal("CutMix: test error 27.00 %. Cutout: test error 29.00 %.", Of(("cutmix", [27]), ("cutout", [29])).Answer);

    [Fact]
    public void The_chart_has_a_row_per_method_and_the_baseline_as_its_reference()
    {
        var chart = Of(("baseline", [30, 32]), ("cutmix", [27, 26])).Chart();
        Assert.Equal([[30, 32], [27, 26]], chart.Rows.Select(row => row.Values.Select(value => Math.Round(value, 9)).ToArray()));
        Assert.Equal(31, chart.Reference!.Value, 1e-9);
    }
}
