namespace Patchwork;

/// <summary>
/// An example that could not be read when its turn came: its file was damaged, changed or removed behind what was checked when the set
/// was opened. The command line exits with 1: work had begun.
/// </summary>
public sealed class DamagedDataException : Exception
{
    internal DamagedDataException(InputException cause) : base(cause.Message, cause) { }
}
