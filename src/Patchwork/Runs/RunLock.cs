using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Patchwork.Internals;

namespace Patchwork.Runs;

/// <summary>
/// Allows only one process at a time to work in a run folder: its <c>lock.json</c> says which. A lock left by a dead process of this
/// machine is taken over. Whether a process on another machine still runs cannot be known here, so its lock is respected until someone
/// breaks it.
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

    /// <summary>
    /// Removes the lock of a process on another machine that the caller knows to have ended; does nothing if there is none.
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

    // Written under another name and then moved: only one process can do that, and a partial lock is never visible.
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
            throw owner.Refusal(folder, "This machine cannot tell whether that process still runs. If it has ended, remove its lock with "
                + "`BreakLock`.");
        if (owner.Lives)
            throw owner.Refusal(folder, "Wait until it is done, or stop it.");
        // Moved away before it is deleted: if two processes find it, the second may find the first one's new lock instead.
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

    /// <summary>The owner of a lock.</summary>
    /// <param name="Host">The machine's name.</param>
    /// <param name="Process">The process id.</param>
    /// <param name="Start">When the process started, in the format of its machine, because process ids are reused.</param>
    /// <param name="Since">When the lock was taken, UTC.</param>
    private sealed record Owner(string Host, int Process, string Start, string Since)
    {
        public static Owner Self() => new(Environment.MachineName, Environment.ProcessId,
            RunningProcess.StartOf(Environment.ProcessId) ?? "",
            DateTimeOffset.UtcNow.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture));

        // A lock with this process's own id that this process does not hold belongs to an earlier process: the first process of a container
        // always has id 1.
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

        // Null if there is no lock. An unreadable lock counts as that of a dead process of this machine.
        public static Owner? Read(string path)
        {
            try
            {
                var json = JsonNode.Parse(File.ReadAllText(path));
                string Text(string key) => (string)json.Required(key)!;
                return new(Text("host"), (int)json.Required("process"), Text("start"), Text("since"));
            }
            catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
            {
                return new(Environment.MachineName, 0, "", "");
            }
        }
    }
}
