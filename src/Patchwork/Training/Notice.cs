namespace Patchwork.Training;

/// <summary>One line for the user.</summary>
/// <param name="Text">The text of the line.</param>
/// <param name="IsWarning">
/// True for something that may make the result differ from what the user expects; shown even if progress output is off.
/// </param>
public sealed record Notice(string Text, bool IsWarning = false)
{
    /// <summary>True if the line is about the data, and so applies to every run on them. Default false.</summary>
    public bool IsOfData { get; init; }

    /// <summary>The line, with <c>warning: </c> before a warning.</summary>
    public override string ToString() => IsWarning ? $"warning: {Text}" : Text;
}
