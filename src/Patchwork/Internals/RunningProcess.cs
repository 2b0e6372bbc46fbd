using System.Diagnostics;
using System.Globalization;

namespace Patchwork.Internals;

/// <summary>Tells whether a process on this machine is still running.</summary>
internal static class RunningProcess
{
    /// <summary>
    /// The start time of a process, as text to compare, because ids are reused; null if there is no such process. On Linux it is in clock
    /// ticks since the machine started, which setting the clock does not change. A zombie process counts as ended.
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
