using System.Globalization;
using System.Runtime.InteropServices;

namespace Patchwork.Cli;

/// <summary>
/// Turns Ctrl+C, SIGTERM (sent by container runtimes, batch systems and service managers) and SIGHUP (a closed terminal) into a
/// cancellation. The first signal cancels, so that the verb can save its work; a second one ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly List<PosixSignalRegistration> registrations = [];

    private Interruption()
    {
        Console.CancelKeyPress += OnKey;
        Register(PosixSignal.SIGTERM, 143);
        if (!IsHangUpIgnored())
            Register(PosixSignal.SIGHUP, 129);
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>The exit code of a cancelled verb: 128 plus the number of the signal, 130 (Ctrl+C) by default.</summary>
    public static int ExitCode { get; private set; } = 130;

    /// <summary>Starts to listen, until disposed.</summary>
    public static Interruption Listen() => new();

    private void Register(PosixSignal signal, int exitCode) =>
        registrations.Add(PosixSignalRegistration.Create(signal, context => Cancel(exitCode, cancels => context.Cancel = cancels)));

    private void OnKey(object? sender, ConsoleCancelEventArgs pressed) => Cancel(130, cancels => pressed.Cancel = cancels);

    private void Cancel(int exitCode, Action<bool> keepRunning)
    {
        var first = !source.IsCancellationRequested;
        keepRunning(first);
        if (!first)
            return;      // the default action of the signal ends the process
        ExitCode = exitCode;
        source.Cancel();
    }

    // nohup starts a program with SIGHUP ignored, and that must stay so. Only Linux tells, in a file.
    private static bool IsHangUpIgnored()
    {
        const string status = "/proc/self/status", key = "SigIgn:";
        if (!File.Exists(status) || File.ReadLines(status).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))
            is not { } line)
            return false;
        return (ulong.Parse(line[key.Length..].Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & 1) != 0;      // signal 1
    }

    public void Dispose()
    {
        Console.CancelKeyPress -= OnKey;
        registrations.ForEach(registration => registration.Dispose());
        source.Dispose();
    }
}
