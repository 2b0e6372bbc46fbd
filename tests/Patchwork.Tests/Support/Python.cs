using System.Collections.Concurrent;
using System.Diagnostics;
using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>Runs the system's Python, to compare with the results of its libraries.</summary>
internal static class Python
{
    private const string Program = "/usr/bin/python3";

    // Each module is tried only once, because importing torchvision takes seconds.
    private static readonly ConcurrentDictionary<string, Lazy<bool>> Installed = new();

    /// <summary>Runs a script, which must succeed, and returns its standard output.</summary>
    public static string Run(string script, params string[] arguments)
    {
        var (code, output, error) = Start(["-c", script, .. arguments]);
        Assert.True(code == 0, error);
        return output;
    }

    /// <summary>Skips the test if a module is not installed.</summary>
    public static void Need(string module) => Assert.SkipUnless(
        Installed.GetOrAdd(module, name => new(() => File.Exists(Program) && Start(["-c", $"import {name}"]).Code == 0)).Value,
        $"Python with {module} is not installed.");

    private static (int Code, string Output, string Error) Start(string[] arguments)
    {
        using var process =
            Process.Start(new ProcessStartInfo(Program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
