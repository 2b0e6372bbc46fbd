using System.Globalization;

namespace Patchwork;

/// <summary>The classification of an image: one probability per class.</summary>
/// <param name="Classes">Names of the K classes.</param>
/// <param name="Probabilities">
/// K numbers from 0 to 1, in the order of the classes; they sum to 1 unless an image can have several labels.
/// </param>
/// <param name="Threshold">
/// With several labels per image: the lowest probability at which a class counts as shown. Null if each image shows one class.
/// </param>
public sealed record Classification(IReadOnlyList<string> Classes, IReadOnlyList<double> Probabilities, double? Threshold = null)
{
    /// <summary>The class with the highest probability; of equal ones, the first.</summary>
    public ClassProbability Best => Top(1)[0];

    /// <summary>
    /// The classes that the image shows: the best one or, with several labels, all that reach the threshold, in their order.
    /// </summary>
    public IReadOnlyList<string> Shown => Threshold is not { } least ? [Best.Class]
        : [.. Classes.Where((_, k) => Probabilities[k] >= least)];

    /// <summary>The classes with the highest probabilities, in descending order; equal ones keep their order.</summary>
    /// <param name="count">Maximum number of classes. Range: at least 1.</param>
    public IReadOnlyList<ClassProbability> Top(int count) =>
        [.. Probabilities.Select((probability, k) => new ClassProbability(Classes[k], probability))
            .OrderByDescending(one => one.Probability).Take(count)];
}

/// <summary>A class and its probability.</summary>
/// <param name="Class">Name of the class.</param>
/// <param name="Probability">From 0 to 1.</param>
public readonly record struct ClassProbability(string Class, double Probability)
{
    /// <summary>Formats the class and its probability: <c>hat 98.2 %</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Class} {Probability:P1}");
}
