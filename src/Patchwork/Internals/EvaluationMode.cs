using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// Keeps a network in evaluation mode until disposed: BatchNorm uses its running statistics without updating them, and dropout is off.
/// Disposing restores the mode of every module, including frozen ones.
/// </summary>
internal sealed class EvaluationMode : IDisposable
{
    private readonly (nn.Module Module, bool Training)[] before;

    public EvaluationMode(nn.Module model)
    {
        before = [.. model.modules().Prepend(model).Select(module => (module, module.training))];      // parents before their children
        model.eval();
    }

    public void Dispose()
    {
        foreach (var (module, training) in before)
        {
            if (module.training != training)
                module.train(training);      // also changes its children, which are restored after it
        }
    }
}
