using System.Globalization;
using System.Runtime.InteropServices;

namespace Patchwork.Cli;

/// <summary>
/// What stops a verb from outside: Ctrl+C, SIGTERM (as container runtimes, batch systems and service managers send it) and SIGHUP (a
/// terminal that is closed). The first one cancels, so that the verb can keep what it has; a second one ends the process at once.
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

    /// <summary>The exit code of a verb that was cancelled, 128 and the number of the signal; 130, of Ctrl+C, unless it was another.
    /// </summary>
    public static int ExitCode { get; private set; } = 130;

    /// <summary>Listens from now on, for the rest of the process or until disposed.</summary>
    public static Interruption Listen() => new();

    private void Register(PosixSignal signal, int exitCode) =>
        registrations.Add(PosixSignalRegistration.Create(signal, context => Cancel(exitCode, cancels => context.Cancel = cancels)));

    private void OnKey(object? sender, ConsoleCancelEventArgs pressed) => Cancel(130, cancels => pressed.Cancel = cancels);

    private void Cancel(int exitCode, Action<bool> keepRunning)
    {
        var first = !source.IsCancellationRequested;
        keepRunning(first);
        if (!first)
            return;      // what the signal does by itself: it ends the process
        ExitCode = exitCode;
        source.Cancel();
    }

    // nohup starts a program with SIGHUP ignored; it is to stay so. Only Linux says so in a file.
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
