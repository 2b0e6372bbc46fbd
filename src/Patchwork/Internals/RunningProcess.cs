using System.Diagnostics;
using System.Globalization;

namespace Patchwork.Internals;

/// <summary>Whether a process of this machine still runs.</summary>
internal static class RunningProcess
{
    /// <summary>
    /// When a process started, as a text to be compared, since ids are used again; null where there is no such process. On Linux in clock
    /// ticks since the machine started, which setting the clock does not change. A process that has ended and that its parent has not yet
    /// taken notice of has ended.
    /// </summary>
    public static string? StartOf(int process)
    {
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                using var found = Process.GetProcessById(process);
                return found.StartTime.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            }
            var line = File.ReadAllText($"/proc/{process}/stat");      // pid (name) state … start …
            var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception error) when (error is ArgumentException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
