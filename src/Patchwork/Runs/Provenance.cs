using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Patchwork.Runs;

/// <summary>Describes where numbers come from: versions, processor, threads, commit and command, stored with every result.</summary>
public static class Provenance
{
    /// <summary>Describes the environment of this process.</summary>
    public static JsonObject Describe() => Describe(null);

    /// <summary>Describes the environment of a process among several ranks, with the machines of all of them.</summary>
    internal static JsonObject Describe(JsonArray? hosts)
    {
        var environment = OfProcess();
        if (hosts is not null)
            environment["ranks"] = hosts;
        return environment;
    }

    private static JsonObject OfProcess() => new()
    {
        ["patchwork"] = Version,
        ["commit"] = Commit(),
        ["command"] = string.Join(' ', Environment.GetCommandLineArgs()
            .Select((part, i) => i == 0 ? Path.GetFileNameWithoutExtension(part) : part)),
        ["torch"] = __version__,
        ["dotnet"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["processor"] = Processor(),
        ["cores"] = Environment.ProcessorCount,
        ["torchThreads"] = get_num_threads(),
        ["started"] = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ"),
    };

    /// <summary>The processor's name as the system reports it.</summary>
    public static string Processor()
    {
        const string info = "/proc/cpuinfo";
        var line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(text => text.StartsWith("model name", StringComparison.Ordinal))
            : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':') + 1)..].Trim();
    }

    /// <summary>Patchwork's own version, with the commit if the build knew it: <c>0.2.0+commit</c>.</summary>
    internal static string? Version { get; } =
        typeof(Provenance).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    // The SDK appends the commit to the informational version.
    private static string? Commit() => Version?.IndexOf('+') is { } plus and >= 0 ? Version[(plus + 1)..] : null;
}
