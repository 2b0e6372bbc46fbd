using TorchSharp;
using static TorchSharp.torch;

namespace Patchwork.Internals;

/// <summary>
/// A network in evaluation mode until disposed: BatchNorm uses its statistics and leaves them alone, dropout passes everything.
/// Afterwards every module is in the mode that it was in, also where some were frozen.
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
                module.train(training);      // of its children too, whose turn comes
        }
    }
}
