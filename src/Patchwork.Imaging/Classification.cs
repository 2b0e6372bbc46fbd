using System.Globalization;

namespace Patchwork;

/// <summary>What a network says of a picture: a probability for each class.</summary>
/// <param name="Classes">Names of the K classes.</param>
/// <param name="Probabilities">K numbers from 0 to 1, in the order of the classes; they sum to 1 unless there are several labels.</param>
/// <param name="Threshold">
/// Several labels: the least probability of a class that is said to be shown. Null where a picture shows one class.
/// </param>
public sealed record Classification(IReadOnlyList<string> Classes, IReadOnlyList<double> Probabilities, double? Threshold = null)
{
    /// <summary>The class of the largest probability; of equal ones the first.</summary>
    public ClassProbability Best => Top(1)[0];

    /// <summary>The classes that the picture shows: the best one, or of several labels those above the threshold, in their order.</summary>
    public IReadOnlyList<string> Shown => Threshold is not { } least ? [Best.Class]
        : [.. Classes.Where((_, k) => Probabilities[k] >= least)];

    /// <summary>The classes of the largest probabilities, largest first; of equal ones the first first.</summary>
    /// <param name="count">How many at most. Range: at least 1.</param>
    public IReadOnlyList<ClassProbability> Top(int count) =>
        [.. Probabilities.Select((probability, k) => new ClassProbability(Classes[k], probability))
            .OrderByDescending(one => one.Probability).Take(count)];
}

/// <summary>A class and how probable it is.</summary>
/// <param name="Class">Its name.</param>
/// <param name="Probability">From 0 to 1.</param>
public readonly record struct ClassProbability(string Class, double Probability)
{
    /// <summary>As <c>hat 98.2 %</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Class} {Probability:P1}");
}
