using System.Globalization;
using System.Text.Json.Nodes;

namespace Patchwork.Evaluation;

/// <summary>An option of a suite that can be set by its name, for example from the command line.</summary>
/// <param name="Name">
/// Its name in lower-case words with hyphens, unique among all suites: <c>out-sets</c> is the flag <c>--out-sets</c>.
/// </param>
/// <param name="Property">The property of the suite that it sets, as named in messages.</param>
/// <param name="Description">What it does, with its default, as one line of help text.</param>
public abstract record SuiteOption(string Name, string Property, string Description)
{
    /// <summary>Its name in files, in snake_case.</summary>
    public string Key => Name.Replace('-', '_');

    /// <summary>Returns the suite with this option set.</summary>
    /// <param name="suite">The suite that has the option.</param>
    /// <param name="text">The value as text.</param>
    /// <exception cref="InputException">The text is not a valid value of the option.</exception>
    public abstract Suite Set(Suite suite, string text);

    /// <summary>Returns the option's value in a suite, as stored in its fingerprint; null if it is not set.</summary>
    public abstract JsonNode? Value(Suite suite);

    /// <summary>Parses a whole number.</summary>
    /// <param name="text">The text.</param>
    /// <param name="property">The property that the message names in backticks.</param>
    /// <exception cref="InputException">The text is not a whole number.</exception>
    public static int Whole(string text, string property) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value
            : throw new InputException($"`{property}` must be a whole number. Received: {text}.");

    /// <summary>Parses numbers separated by commas.</summary>
    /// <param name="text">The text.</param>
    /// <param name="property">The property that the message names in backticks.</param>
    /// <exception cref="InputException">A part of the text is not a number.</exception>
    public static IReadOnlyList<double> Numbers(string text, string property) => [.. text.Split(',').Select(part =>
        double.TryParse(part, CultureInfo.InvariantCulture, out var value) ? value
            : throw new InputException($"`{property}` must be numbers separated by commas. Received: {text}."))];
}

/// <summary>An option of a suite of a given type.</summary>
/// <typeparam name="TSuite">The suite's type.</typeparam>
/// <param name="Name"><inheritdoc cref="SuiteOption" path="/param[@name='Name']"/></param>
/// <param name="Property"><inheritdoc cref="SuiteOption" path="/param[@name='Property']"/></param>
/// <param name="Description"><inheritdoc cref="SuiteOption" path="/param[@name='Description']"/></param>
/// <param name="With">Returns the suite with the value that a text specifies.</param>
/// <param name="Read">Returns the option's value in a suite.</param>
public sealed record SuiteOption<TSuite>(
    string Name, string Property, string Description, Func<TSuite, string, TSuite> With, Func<TSuite, JsonNode?> Read)
    : SuiteOption(Name, Property, Description) where TSuite : Suite
{
    /// <inheritdoc/>
    public override Suite Set(Suite suite, string text) => With((TSuite)suite, text);

    /// <inheritdoc/>
    public override JsonNode? Value(Suite suite) => Read((TSuite)suite);
}
