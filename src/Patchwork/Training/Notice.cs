namespace Patchwork.Training;

/// <summary>One line for the person who runs this.</summary>
/// <param name="Text">What is said.</param>
/// <param name="IsWarning">True for what may make the result another than expected, to be shown also to who wants no progress.</param>
public sealed record Notice(string Text, bool IsWarning = false)
{
    /// <summary>The line, with <c>warning: </c> before a warning.</summary>
    public override string ToString() => IsWarning ? $"warning: {Text}" : Text;
}
