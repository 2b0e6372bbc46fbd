using Patchwork.Data;
using Patchwork.Plans;
using Patchwork.Training;

namespace Patchwork.Tests.Support;

/// <summary>Cancels a training after a number of steps, as an interruption does.</summary>
internal sealed class StopAt(int step, CancellationTokenSource stop) : Callback
{
    private int steps;

    public override void OnTrainBatchEnd(TrainingState state, Batch batch)
    {
        if (++steps == step)
            stop.Cancel();
    }
}
