using Patchwork.Tests.Support;
using Xunit;

namespace Patchwork.Tests.Cli;

/// <summary>
/// The program as a process returns the same exit code and writes the same output as its commands in this process, where most tests run
/// them. Exit code 130 is tested in <see cref="ResumeTests"/>.
/// </summary>
public sealed class ExitCodeTests
{
    [Fact]
    public void Success_is_0_with_the_result_on_standard_output() => Same(0, "plan", "--draws", "1000", "--seed", "3");

    [Fact]
    public void Rejected_input_is_2_with_one_sentence_on_standard_error() => Same(2, "plan", "--draws", "0").Refusal();

    [Fact]
    public void Failed_work_is_1_with_one_sentence_on_standard_error()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        var folder = Directory.CreateTempSubdirectory("patchwork-exit-").FullName;
        try
        {
            var path = Path.Combine(folder, "sheet.png");
            File.CreateSymbolicLink(path + ".partial", "/dev/full");
            CommandLine.RunProcess("preview", "--count", "1", "--out", path).Failure();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static CommandResult Same(int exitCode, params string[] arguments)
    {
        var process = CommandLine.RunProcess(arguments);
        Assert.Equal(CommandLine.Run(arguments), process);
        Assert.Equal(exitCode, process.ExitCode);
        return process;
    }
}
