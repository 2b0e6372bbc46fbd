using System.Diagnostics;
using Patchwork;
using Patchwork.Claims;

// Run from the root of the repository.
//   run [NAME ...]   trains and evaluates the experiments in their order, or those named; resumes; keeps every finished run in results/.
//                    A run whose weights are kept there is not trained again, and networks whose weights are missing are not measured
//   collect          keeps what the runs in runs/claims have finished
//   write            makes docs/guide/claims.md's table and docs/images/claims from results/
//   commands         prints the commands
var (page, pictures) = (Path.Combine("docs", "guide", "claims.md"), Path.Combine("docs", "images", "claims"));
switch (args)
{
    case ["run", .. var names]:
        if (names.FirstOrDefault(name => Experiment.All.All(one => one.Name != name)) is { } unknown)
        {
            Console.Error.WriteLine($"no experiment has the name {unknown}: {string.Join(", ", Experiment.All.Select(one => one.Name))}");
            return 2;
        }
        return Experiment.All.Where(one => names.Length == 0 || names.Contains(one.Name)).Select(Run).FirstOrDefault(code => code != 0);
    case ["collect"]:
        foreach (var experiment in Experiment.All)
            Collect(experiment);
        return 0;
    case ["write"]:
        var claims = new Page("results");
        File.WriteAllText(page, claims.Filled(File.ReadAllText(page)));
        Directory.CreateDirectory(pictures);
        foreach (var (file, svg) in claims.Figures())
            File.WriteAllText(Path.Combine(pictures, file), svg);
        return 0;
    case ["commands"]:
        foreach (var experiment in Experiment.All)
            Console.WriteLine($"{experiment.Name}: {experiment.Command}");
        return 0;
    default:
        Console.Error.WriteLine("expected: run [NAME ...], collect, write or commands");
        return 2;
}

static string Runs(string folder) => Path.Combine("runs", "claims", folder);

static void Collect(Experiment experiment)
{
    foreach (var folder in experiment.Folders)
        Console.WriteLine($"{folder}: {Collector.Collect(experiment, Runs(folder), "results")} finished runs");
}

static int Run(Experiment experiment)
{
    var steps = experiment.Steps(ResultFile.Read("results", experiment.Name));
    if (steps.Count == 0)
        Console.WriteLine($"{experiment.Name}: nothing to do: all is measured, or the weights to measure are missing");
    return steps.Select(step => Compare(experiment, step.Folder, step.Arguments)).FirstOrDefault(code => code != 0);
}

static int Compare(Experiment experiment, string folder, string flags)
{
    string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Patchwork.Cli.dll"), "compare", .. flags.Split(' '),
        "--out", Runs(folder)];
    using var process = Process.Start("dotnet", arguments);
    while (!process.WaitForExit(TimeSpan.FromMinutes(1)))
    {
        try
        {
            Collect(experiment);
        }
        catch (Exception error) when (error is IOException or InputException)      // a run folder that appears at this moment
        {
            Console.Error.WriteLine(error.Message);
        }
    }
    Collect(experiment);
    return process.ExitCode;
}
