namespace Patchwork.Training;

/// <summary>One line for the person who runs this.</summary>
/// <param name="Text">What is said.</param>
/// <param name="IsWarning">True for what may make the result another than expected, to be shown also to who wants no progress.</param>
public sealed record Notice(string Text, bool IsWarning = false)
{
    /// <summary>True for what is said of the data, and so of every run on them. Default false.</summary>
    public bool IsOfData { get; init; }

    /// <summary>The line, with <c>warning: </c> before a warning.</summary>
    public override string ToString() => IsWarning ? $"warning: {Text}" : Text;
}
