using System.CommandLine;

namespace Patchwork.Cli;

/// <summary>A command of the tool, with the command lines that its help ends with.</summary>
/// <param name="name">The word that the user types.</param>
/// <param name="description">One or two sentences that say what the verb does.</param>
/// <param name="examples">Complete command lines, each with what it does; the most common one first.</param>
internal sealed class Verb(string name, string description, params VerbExample[] examples) : Command(name, description)
{
    /// <summary>Complete command lines, each with what it does.</summary>
    public IReadOnlyList<VerbExample> Examples => examples;
}

/// <summary>One example in a verb's help.</summary>
/// <param name="Line">The command line.</param>
/// <param name="Does">What it does.</param>
internal sealed record VerbExample(string Line, string Does);
