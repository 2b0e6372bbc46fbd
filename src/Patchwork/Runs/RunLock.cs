using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>
/// One process at a time works in a run folder: its <c>lock.json</c> says which. A lock that a dead process of this machine left is taken
/// over; one of another machine cannot be judged from here and is refused until somebody breaks it.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private const string FileName = "lock.json";

    private static readonly ConcurrentDictionary<string, bool> Held = new();      // by this process

    private readonly string path;

    private RunLock(string path) => this.path = path;

    /// <summary>Takes the lock of a folder until disposed.</summary>
    /// <exception cref="InputException">Another process works in the folder, or may.</exception>
    public static RunLock Take(string folder)
    {
        var path = Path.Combine(Path.GetFullPath(folder), FileName);
        if (!Held.TryAdd(path, true))
            throw new InputException($"{folder} is in use by another part of this process. Wait until it is done.");
        try
        {
            while (!TryCreate(path))
                RemoveLeftBehind(folder, path);
            return new RunLock(path);
        }
        catch
        {
            Held.TryRemove(path, out _);
            throw;
        }
    }

    /// <summary>Takes away the lock of a process on another machine, which the caller knows to have ended; nothing where there is none.
    /// </summary>
    /// <exception cref="InputException">The process runs on this machine.</exception>
    public static void Break(string folder)
    {
        var path = Path.Combine(Path.GetFullPath(folder), FileName);
        if (Owner.Read(path) is not { } owner)
            return;
        if (owner.Host == Environment.MachineName && owner.Lives)
            throw owner.Refusal(folder, "It runs on this machine: stop it instead of breaking its lock.");
        File.Delete(path);
    }

    public void Dispose()
    {
        File.Delete(path);
        Held.TryRemove(path, out _);
    }

    // Written aside and moved to its name, which only one process can do and which never shows half of it.
    private static bool TryCreate(string path)
    {
        var aside = $"{path}.{Environment.ProcessId}";
        File.WriteAllText(aside, Owner.Self().ToJson() + "\n");
        try
        {
            File.Move(aside, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(aside);
            return false;
        }
    }

    private static void RemoveLeftBehind(string folder, string path)
    {
        if (Owner.Read(path) is not { } owner)
            return;      // gone meanwhile
        if (owner.Host != Environment.MachineName)
            throw owner.Refusal(folder, "Whether that process still runs cannot be seen from here: if it has ended, take the folder by "
                + "`BreakLock`.");
        if (owner.Lives)
            throw owner.Refusal(folder, "Wait until it is done, or stop it.");
        // Moved away before it is deleted: of two processes that find it, the second may find the first one's new lock instead.
        var aside = $"{path}.{Environment.ProcessId}.old";
        try
        {
            File.Move(path, aside, overwrite: true);
        }
        catch (FileNotFoundException)
        {
            return;
        }
        if (Owner.Read(aside) == owner)
            File.Delete(aside);
        else
            File.Move(aside, path, overwrite: false);
    }

    /// <summary>Who holds a lock.</summary>
    /// <param name="Host">The machine's name.</param>
    /// <param name="Process">The process id.</param>
    /// <param name="Start">When the process started, in the terms of its machine: ids are used again.</param>
    /// <param name="Since">When the lock was taken, UTC.</param>
    private sealed record Owner(string Host, int Process, string Start, string Since)
    {
        public static Owner Self() => new(Environment.MachineName, Environment.ProcessId,
            RunningProcess.StartOf(Environment.ProcessId) ?? "",
            DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));

        // A lock of this very process id that this process does not hold is of an earlier one: the first process of a container is
        // always 1.
        public bool Lives => Process != Environment.ProcessId && RunningProcess.StartOf(Process) is { } start && start == Start;

        public InputException Refusal(string folder, string advice) =>
            new($"{folder} is in use by process {Process} on {Host} since {Since} UTC. {advice}");

        public string ToJson() => new JsonObject
        {
            ["host"] = Host,
            ["process"] = Process,
            ["start"] = Start,
            ["since"] = Since,
        }.ToJsonString();

        // Null where there is no lock. One that cannot be read counts as of this machine and of a dead process.
        public static Owner? Read(string path)
        {
            try
            {
                var json = JsonNode.Parse(File.ReadAllText(path))!;
                return new((string)json["host"]!, (int)json["process"]!, (string)json["start"]!, (string)json["since"]!);
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException or NullReferenceException or FormatException)
            {
                return new(Environment.MachineName, 0, "", "");
            }
        }
    }
}
