using Patchwork.Cli.Terminal;
using Xunit;

namespace Patchwork.Tests.Cli;

public sealed class RunsTableTests
{
    [Fact]
    public void Cells_show_nothing_then_the_trained_share_then_the_test_error()
    {
        var table = new RunsTable(["baseline", "cutmix"], [1, 2], (method, seed) => $"{method} {seed}");
        var shares = new Dictionary<string, double> { ["baseline 1"] = 1, ["baseline 2"] = 1, ["cutmix 1"] = 0.25, ["cutmix 2"] = 0 };
        table.Finish("baseline 1", 30);
        table.Finish("baseline 2", 32);
        var lines = table.Lines(shares);
        Assert.Equal("test error, %  seed 1  seed 2       mean ± sd", lines[0]);
        Assert.Equal(["baseline", "30.00", "32.00", "31.00", "±", "1.41"], Words(lines[1]));
        Assert.Equal(["cutmix", "25", "%", "-", "-"], Words(lines[2]));
        Assert.All(lines, line => Assert.Equal(table.Width, line.Length));
    }

    [Fact]
    public void The_default_methods_with_five_seeds_fit_into_80_characters()
    {
        var table = new RunsTable(["baseline", "cutout", "mixup", "cutmix", "cutmix:probability=0.5"], [1, 2, 3, 4, 5],
            (method, seed) => $"{method} {seed}");
        Assert.InRange(table.Width, 1, 80);
    }

    [Fact]
    public void One_seed_has_no_mean()
    {
        var table = new RunsTable(["cutmix"], [7], (method, seed) => $"{method} {seed}");
        table.Finish("cutmix 7", 25);
        Assert.Equal("25.00", Words(table.Lines(new Dictionary<string, double> { ["cutmix 7"] = 1 })[1])[^1]);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
