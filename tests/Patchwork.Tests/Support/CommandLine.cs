using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Patchwork.Cli;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>
/// Tests that run commands in this process, time other processes or measure this one's memory: no other tests run at the same time.
/// </summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessesCollection
{
    /// <summary>The collection's name.</summary>
    public const string Name = "processes";
}

/// <summary>The result of a command.</summary>
/// <param name="ExitCode">Exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>Parses standard output as exactly one JSON document; anything else throws.</summary>
    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Output);
        return document.RootElement.Clone();
    }

    /// <summary>Checks that input was rejected, and returns the message, a single sentence.</summary>
    public string Refusal() => Sentence(2);

    /// <summary>Checks that the work failed, and returns the message, a single sentence.</summary>
    public string Failure() => Sentence(1);

    private string Sentence(int exitCode)
    {
        Assert.Equal((exitCode, ""), (ExitCode, Output));
        Assert.StartsWith("patchwork: ", Error, StringComparison.Ordinal);
        Assert.Matches(@"[.?]$", Error.TrimEnd());
        Assert.Single(Error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        return Error.TrimEnd();
    }
}

/// <summary>Runs the command line, in this process or in a separate one.</summary>
internal static class CommandLine
{
    /// <summary>
    /// Runs a command to its end in this process, as <c>Main</c> does. A run may set torch's threads and seed its generator, which belong
    /// to the whole process: tests that train or evaluate belong in a collection without parallelism. The number of threads is restored.
    /// </summary>
    public static CommandResult Run(params string[] arguments)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        var threads = TorchSharp.torch.get_num_threads();
        try
        {
            var exitCode = CommandRunner.Run(arguments, TextWriter.Synchronized(output), TextWriter.Synchronized(error));
            return new CommandResult(exitCode, output.ToString(), error.ToString());
        }
        finally
        {
            TorchSharp.torch.set_num_threads(threads);
        }
    }

    /// <summary>Runs the built program to its end in a separate process.</summary>
    public static CommandResult RunProcess(params string[] arguments)
    {
        using var process = Start(arguments);
        return Finish(process);
    }

    /// <summary>Runs the built program in a folder and with additional environment variables.</summary>
    public static CommandResult RunIn(string folder, Dictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(environment, folder, arguments);
        return Finish(process);
    }

    /// <summary>Starts the built program in a separate process, whose output must be read.</summary>
    public static Process Start(params string[] arguments) => Start([], arguments);

    /// <summary>Starts the built program with additional environment variables.</summary>
    public static Process Start(Dictionary<string, string> environment, params string[] arguments) => Start(environment, "", arguments);

    private static Process Start(Dictionary<string, string> environment, string folder, string[] arguments)
    {
        var start = new ProcessStartInfo(Host) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment.Remove("TERM");
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        foreach (var argument in (string[])["exec", Program, .. arguments])
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>Waits for the end of a process and reads its output.</summary>
    public static CommandResult Finish(Process process)
    {
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CommandResult(process.ExitCode, output, error.Result);
    }

    internal static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "Patchwork.Cli.dll");

    // The host that runs this test; <root>/shared/Microsoft.NETCore.App/<version>/ is below its folder.
    internal static string Host { get; } =
        Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
}
