using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Erasers and at most one mixer as one value, applied to a batch in order: what <c>cutout+cutmix</c> is on the command line, for a loop of
/// one's own.
/// </summary>
/// <example><code>
/// var methods = new Sequence(new Cutout(), new WithProbability(new OneOf(new Mixup(), new CutMix()), 0.5));
/// var mixed = methods.Apply(batch, draws);
/// </code></example>
public sealed record Sequence
{
    /// <summary>Methods in the order in which they are applied: <see cref="Eraser"/>s, then at most one <see cref="Mixer"/>.</summary>
    /// <exception cref="ArgumentException">There is no method, one that neither erases nor mixes pixels, a second mixer, or an eraser
    /// behind the mixer.</exception>
    public Sequence(params IReadOnlyList<IMethod> methods)
    {
        var received = $"Received: {string.Join(", ", methods.Select(method => method.Id))}.";
        if (methods.Count == 0 || methods.Any(method => method is not (Eraser or Mixer)))
            throw new ArgumentException($"A sequence is of methods that erase or mix pixels. {received}");
        if (methods.OfType<Mixer>().Count() > 1)
            throw new ArgumentException($"A batch is mixed once: the targets of a mixed batch cannot be mixed again. {received} Choose "
                + "one for each batch by OneOf.");
        if (methods.Any(method => method is Mixer) && methods[^1] is not Mixer)
            throw new ArgumentException($"Erasers come before the mixer: a mixed batch holds the pixels that its plan says. {received}");
        Methods = methods;
    }

    /// <summary>The methods, in order.</summary>
    public IReadOnlyList<IMethod> Methods { get; }

    /// <summary>
    /// Plans and applies one method after the other. The batch is left as it was; the new images and targets belong to the caller. What was
    /// erased is added to
    /// <see cref="Batch.Erased"/>.
    /// </summary>
    /// <param name="batch">The batch; normalized floats where the sequence erases.</param>
    /// <param name="draws">The stream that all throw their dice with, one behind the other.</param>
    /// <param name="model">The network, for a mixer that plans by what it looks at; it is left as it was.</param>
    /// <exception cref="InvalidOperationException">The batch is mixed already, or the mixer needs a network and there is none.</exception>
    public Batch Apply(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model = null)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"A sequence begins with a batch that is not mixed. Received: a batch already mixed by "
                + $"{batch.Plan.Method}.");
        var result = batch;
        foreach (var method in Methods)
        {
            var before = result;
            result = method is Mixer mixer ? mixer.Mix(before, draws, model) : Erased((Eraser)method, before, draws);
            if (!ReferenceEquals(before, batch))
                before.Images.Dispose();      // made here, and used up
        }
        return result;
    }

    private static Batch Erased(Eraser eraser, Batch batch, Draws draws)
    {
        var plan = eraser.Plan(MixContext.Of(batch.Images, draws));
        return batch with { Images = Eraser.Apply(batch.Images, plan), Erased = [.. batch.Erased, plan] };
    }
}
