namespace Patchwork;

/// <summary>
/// An example could not be read when it was needed: its file was damaged, changed or removed after the checks made when the set was opened.
/// The command line exits with 1, because work had already begun.
/// </summary>
public sealed class DamagedDataException : Exception
{
    internal DamagedDataException(InputException cause) : base(cause.Message, cause) { }
}
