using Patchwork.Cli.Terminal;
using Patchwork.Tests.Support;
using Patchwork.Tests.Training;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>The output that a fit leaves on the screen.</summary>
[Collection(SerialCollection.Name)]
public sealed class FitProgressTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void Every_epoch_of_a_single_run_leaves_its_line_on_a_terminal_and_in_a_log(bool terminal) =>
        Assert.Equal(["train: epoch 1/3  val error", "train: epoch 2/3  val error", "train: epoch 3/3  val error"],
            Left(terminal, _ => null).Select(text => text[..27]));

    [Theory, InlineData(true), InlineData(false)]
    public void Runs_of_a_comparison_print_no_lines_of_their_own(bool terminal) =>
        Assert.Empty(Left(terminal, line => new RunsProgress(line, "training", ["train"], [])));

    // Overwritten lines start with a carriage return and an erase sequence; permanent lines end with a line feed.
    private static string[] Left(bool terminal, Func<LiveLine, RunsProgress?> among)
    {
        using StringWriter screen = new() { NewLine = "\n" };
        var line = new LiveLine(screen) { Exists = terminal };
        using var fit = new TrainerTests.Fit();
        fit.Run([new FitProgress(line, "train", quiet: false, among(line))], epochs: 3);
        return [.. screen.ToString().Split('\n')[..^1].Select(text => text.Split("\e[2K")[^1])];
    }
}
