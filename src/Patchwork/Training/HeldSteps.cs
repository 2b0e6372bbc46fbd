using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;
using Torch = TorchSharp.Modules;

namespace Patchwork.Training;

// TorchSharp's optimizers with their own states, groups and files, but with steps that keep their scalars alive: TorchSharp's own steps
// create half a dozen temporary scalars per parameter and step, any of which can be freed while native code still reads it (see Scalars).
// The operations and their order are TorchSharp's, so a step is bit-identical.

/// <summary>SGD with momentum, as in PyTorch: v ← μ·v + g, w ← w - η·v, or by Nesterov w ← w - η·(g + μ·v).</summary>
internal sealed class HeldSgd(IEnumerable<Torch.SGD.ParamGroup> groups, double rate, double momentum, double decay, bool nesterov)
    : Torch.SGD(groups, rate, momentum, weight_decay: decay, nesterov: nesterov)
{
    public override Tensor? step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        var options = group.Options;
        var (momentum, decay) = (options.momentum!.Value, options.weight_decay!.Value);
        HeldStep.Each(group, (parameter, gradient) =>
        {
            if (decay != 0)
                gradient = gradient.add(parameter, Held(decay));
            if (momentum != 0)
            {
                var state = (State)_state[parameter.Handle];
                if (state.momentum_buffer is { } buffer)
                    buffer.mul_(Held(momentum)).PlusInPlace(gradient);
                else
                    state.momentum_buffer = gradient.clone().detach().DetachFromDisposeScope();
                gradient = options.nesterov!.Value ? gradient.add(state.momentum_buffer, Held(momentum)) : state.momentum_buffer;
            }
            parameter.add_(gradient, Held(-options.LearningRate!.Value));
        });
    }, closure);
}

/// <summary>Adam (Kingma and Ba 2015, algorithm 1), weight decay added to the gradient.</summary>
internal sealed class HeldAdam(IEnumerable<Torch.Adam.ParamGroup> groups, double rate, double decay)
    : Torch.Adam(groups, rate, weight_decay: decay)
{
    public override Tensor? step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        var (options, decay) = (group.Options, group.Options.weight_decay!.Value);
        HeldStep.Each(group, (parameter, gradient) =>
        {
            if (decay != 0)
                gradient = gradient.add(parameter, Held(decay));
            var state = (State)_state[parameter.Handle];
            HeldStep.Adam(parameter, gradient, state.exp_avg, state.exp_avg_sq, ++state.step, options.LearningRate!.Value,
                options.beta1!.Value, options.beta2!.Value, options.eps!.Value);
        });
    }, closure);
}

/// <summary>AdamW (Loshchilov and Hutter 2019, algorithm 2): weight decay is applied to the weights directly, before the step.</summary>
internal sealed class HeldAdamW(IEnumerable<Torch.AdamW.ParamGroup> groups, double rate, double decay)
    : Torch.AdamW(groups, rate, weight_decay: decay)
{
    public override Tensor? step(Func<Tensor>? closure = null) => _step<ParamGroup>(group =>
    {
        var (options, rate) = (group.Options, group.Options.LearningRate!.Value);
        HeldStep.Each(group, (parameter, gradient) =>
        {
            parameter.mul_(Held(1 - rate * options.weight_decay!.Value));
            var state = (State)_state[parameter.Handle];
            HeldStep.Adam(parameter, gradient, state.exp_avg, state.exp_avg_sq, ++state.step, rate, options.beta1!.Value,
                options.beta2!.Value, options.eps!.Value);
        });
    }, closure);
}

/// <summary>Code that the steps share.</summary>
internal static class HeldStep
{
    /// <summary>Updates every parameter that has a gradient; the temporaries of one parameter are freed before the next.</summary>
    public static void Each(Torch.ParamGroup group, Action<Torch.Parameter, Tensor> update)
    {
        foreach (var parameter in group.Parameters)
        {
            using var scope = NewDisposeScope();
            if (parameter.grad is { } gradient)
                update(parameter, gradient);
        }
    }

    /// <summary>Updates one parameter: m ← β₁·m + (1-β₁)·g, v ← β₂·v + (1-β₂)·g², w ← w - η/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + ε).</summary>
    public static void Adam(Tensor parameter, Tensor gradient, Tensor m, Tensor v, long t, double rate, double beta1, double beta2,
        double epsilon)
    {
        m.mul_(Held(beta1)).add_(gradient, Held(1 - beta1));
        v.mul_(Held(beta2)).addcmul_(gradient, gradient, Held(1 - beta2));
        var deviation = (v.sqrt() / Held(Math.Sqrt(1 - Math.Pow(beta2, t)))).add_(Held(epsilon), One);
        parameter.addcdiv_(m, deviation, Held(-(rate / (1 - Math.Pow(beta1, t)))));
    }
}
