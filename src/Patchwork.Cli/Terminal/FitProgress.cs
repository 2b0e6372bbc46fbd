using System.Diagnostics;
using System.Globalization;
using Patchwork.Plans;
using Patchwork.Training;
using Spectre.Console;

namespace Patchwork.Cli.Terminal;

/// <summary>
/// Shows a fit: on a terminal one line that is redrawn, with images per second and time left; in a log a plain line an epoch. Speaks on standard error,
/// which leaves standard output to results.
/// </summary>
internal sealed class FitProgress(string label, bool quiet) : Callback
{
    private static readonly bool Live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private readonly IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    private readonly Stopwatch clock = new(), drawn = new();
    private long firstStep, imagesSinceStart;

    /// <summary>Prints one line, above the progress line if there is one.</summary>
    public void Say(string line)
    {
        if (quiet)
            return;
        Clear();
        Console.Error.WriteLine($"{label}: {line}");
    }

    public override void OnTrainStart(TrainingState state)
    {
        (firstStep, imagesSinceStart) = (state.Step, 0);
        clock.Restart();
        drawn.Restart();
    }

    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        imagesSinceStart += batch.Count;
        if (quiet || !Live || drawn.ElapsedMilliseconds < 100)
            return;
        drawn.Restart();
        var total = (long)state.Options.Epochs * state.Data.Train.Steps;
        var share = (double)state.Step / total;
        var left = TimeSpan.FromSeconds(clock.Elapsed.TotalSeconds / (state.Step - firstStep) * (total - state.Step));
        var speed = imagesSinceStart / clock.Elapsed.TotalSeconds;
        const int width = 24;
        var filled = (int)(share * width);
        Clear();
        console.Markup(string.Create(CultureInfo.InvariantCulture,
            $"[bold]{Markup.Escape(label)}[/]  epoch {state.Epoch + 1}/{state.Options.Epochs} [green]{new string('━', filled)}[/][grey]{new string('─', width - filled)}[/] {share,4:P0}  {speed:N0} img/s  {Format(left)} left  loss {state.Loss:F3}"));
    }

    public override void OnTrainEpochEnd(TrainingState state)
    {
        if (quiet || Live && state.Epoch < state.Options.Epochs)
            return;
        var metrics = state.Metrics;
        var validation = metrics.TryGetValue("val/top1_error", out var error) ? $"  val error {error:P2}" : "";
        Say(string.Create(CultureInfo.InvariantCulture,
            $"epoch {state.Epoch}/{state.Options.Epochs}  train loss {metrics["train/loss"]:F4}  accuracy {metrics["train/accuracy"]:P2}{validation}  {metrics["images_per_second"]:N0} img/s"));
    }

    public override void OnFitEnd(TrainingState state) => Clear();

    private static void Clear()
    {
        if (Live)
            Console.Error.Write("\r\e[2K");
    }

    private static string Format(TimeSpan span) => span.TotalHours >= 1 ? span.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture) : span.ToString(@"m\:ss", CultureInfo.InvariantCulture);
}
