using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Regularization;
using static TorchSharp.torch;

namespace Patchwork.Mixing;

/// <summary>
/// Erasers and at most one mixer, applied to a batch in order. It does in your own training loop what <c>cutout+cutmix</c> does on the
/// command line.
/// </summary>
/// <example><code>
/// var methods = new Sequence(new Cutout(), new WithProbability(new OneOf(new Mixup(), new CutMix()), 0.5));
/// var mixed = methods.Apply(batch, draws);
/// </code></example>
public sealed record Sequence
{
    /// <summary>Creates a sequence of methods in the order in which they are applied: erasers, then at most one mixer.</summary>
    /// <param name="methods"><see cref="Eraser"/>s, then at most one <see cref="Mixer"/>.</param>
    /// <exception cref="ArgumentException">
    /// There is no method, a method neither erases nor mixes pixels, there is a second mixer, or an eraser comes after the mixer.
    /// </exception>
    public Sequence(params IReadOnlyList<IMethod> methods)
    {
        var received = $"Received: {string.Join(", ", methods.Select(method => method.Id))}.";
        if (methods.Count == 0 || methods.Any(method => method is not (Eraser or Mixer)))
            throw new ArgumentException($"A sequence needs one or more methods that erase or mix pixels. {received}");
        if (methods.OfType<Mixer>().Count() > 1)
            throw new ArgumentException($"A batch can be mixed only once: the targets of a mixed batch cannot be mixed again. {received} "
                + "Use OneOf to choose one mixer for each batch.");
        if (methods.Any(method => method is Mixer) && methods[^1] is not Mixer)
            throw new ArgumentException($"Erasers must come before the mixer: erasing a mixed batch would contradict its plan. {received}");
        Methods = methods;
    }

    /// <summary>The methods, in order.</summary>
    public IReadOnlyList<IMethod> Methods { get; }

    /// <summary>
    /// Plans and applies the methods one after the other. The batch is not changed; the caller owns the new images and targets. The plans
    /// of the erasers are added to <see cref="Batch.Erased"/>.
    /// </summary>
    /// <param name="batch">The batch; its images must be normalized floats if the sequence erases.</param>
    /// <param name="draws">The stream of the random draws, shared by all methods in order.</param>
    /// <param name="model">The network, for a mixer whose plans depend on it; it is left unchanged.</param>
    /// <exception cref="InvalidOperationException">The batch is already mixed, or the mixer needs a network and none is given.</exception>
    public Batch Apply(Batch batch, Draws draws, nn.Module<Tensor, Tensor>? model = null)
    {
        if (batch.Plan is not null)
            throw new InvalidOperationException($"A sequence must start from an unmixed batch. Received: a batch already mixed by "
                + $"{batch.Plan.Method}.");
        var result = batch;
        foreach (var method in Methods)
        {
            var before = result;
            result = method is Mixer mixer ? mixer.Mix(before, draws, model) : Erased((Eraser)method, before, draws);
            if (!ReferenceEquals(before, batch))
                before.Images.Dispose();      // an intermediate result, no longer needed
        }
        return result;
    }

    private static Batch Erased(Eraser eraser, Batch batch, Draws draws)
    {
        var plan = eraser.Plan(MixContext.Of(batch.Images, draws));
        return batch with { Images = Eraser.Apply(batch.Images, plan), Erased = [.. batch.Erased, plan] };
    }
}
