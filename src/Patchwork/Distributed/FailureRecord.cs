using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Patchwork.Distributed;

/// <summary>Describes a failure of one rank to the others, in enough detail for them to fail in the same way.</summary>
internal sealed record FailureRecord(string Host, string Kind, string Message, long Step)
{
    /// <summary>The record of a failure; empty if there is none.</summary>
    public static byte[] Of(Exception? failure) => failure is null ? []
        : JsonSerializer.SerializeToUtf8Bytes(new FailureRecord(Environment.MachineName,
            KindOf(failure), failure.Message,
            (failure as NonFiniteException)?.Step ?? 0), FailureJson.Default.FailureRecord);

    /// <summary>True if the rank was cancelled.</summary>
    [JsonIgnore]
    public bool IsCancellation => Kind == nameof(OperationCanceledException);

    private static string KindOf(Exception failure) => failure switch
    {
        IOException or UnauthorizedAccessException => nameof(IOException),
        OperationCanceledException => nameof(OperationCanceledException),
        _ => failure.GetType().Name,
    };

    /// <summary>Reads a record; null if it is empty.</summary>
    public static FailureRecord? Read(byte[] record) =>
        record.Length == 0 ? null : JsonSerializer.Deserialize(Encoding.UTF8.GetString(record), FailureJson.Default.FailureRecord);

    /// <summary>Creates an exception of the same kind, as far as callers distinguish kinds.</summary>
    public Exception ToException(string message, Exception? cause) => Kind switch
    {
        nameof(InputException) => new InputException(message, cause),
        nameof(OutputException) => new OutputException(message, cause ?? new IOException(Message)),
        nameof(DamagedDataException) => new DamagedDataException(new InputException(message, cause)),
        nameof(NonFiniteException) => new NonFiniteException(message, Step, cause),
        nameof(IOException) => new IOException(message, cause),
        _ => new RankException(message, cause),
    };
}

[JsonSerializable(typeof(FailureRecord))]
internal sealed partial class FailureJson : JsonSerializerContext;
