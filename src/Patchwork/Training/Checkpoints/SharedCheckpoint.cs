using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Distributed;

namespace Patchwork.Training;

/// <summary>
/// Rank 0's checkpoint, shared with every rank: the other ranks need its content, not the files of the run. Their copies are in temporary
/// folders until disposed.
/// </summary>
internal sealed class SharedCheckpoint : IDisposable
{
    private readonly string? folder;

    private SharedCheckpoint(Checkpoint checkpoint, string? folder) => (Checkpoint, this.folder) = (checkpoint, folder);

    /// <summary>The checkpoint.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Shares rank 0's checkpoint; null if rank 0 has none.</summary>
    /// <param name="ranks">The ranks.</param>
    /// <param name="checkpoint">Rank 0's checkpoint, or null to start from the beginning; ignored on the other ranks.</param>
    public static SharedCheckpoint? Of(Ranks ranks, Checkpoint? checkpoint)
    {
        var state = ranks.Broadcast(ranks.Leads ? Encoding.UTF8.GetBytes(checkpoint?.State.ToJsonString() ?? "") : null);
        if (state.Length == 0)
            return null;
        string?[] files = ranks.Leads ? checkpoint!.Files : new string?[Checkpoint.FileCount];
        var folder = ranks.Leads ? null : Directory.CreateTempSubdirectory("patchwork-checkpoint-").FullName;
        try
        {
            for (var i = 0; i < files.Length; i++)
            {
                var bytes = ranks.Broadcast(ranks.Leads ? files[i] is { } file ? File.ReadAllBytes(file) : [] : null);
                if (folder is null || bytes.Length == 0)
                    continue;
                files[i] = Path.Combine(folder, $"{i}");
                File.WriteAllBytes(files[i]!, bytes);
            }
            return new SharedCheckpoint(checkpoint is not null && ranks.Leads ? checkpoint
                : new Checkpoint(JsonNode.Parse(state)!.AsObject(), files[0]!, files[1]!, files[2]), folder);
        }
        catch
        {
            Delete(folder);
            throw;
        }
    }

    public void Dispose() => Delete(folder);

    private static void Delete(string? folder)
    {
        if (folder is not null)
            Directory.Delete(folder, recursive: true);
    }
}
