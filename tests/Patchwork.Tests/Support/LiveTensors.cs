using TorchSharp;

namespace Patchwork.Tests.Support;

/// <summary>Counts live tensors, for tests that check for leaks.</summary>
public static class LiveTensors
{
    /// <summary>
    /// The count after the tensors that earlier tests dropped have been freed, because they would lower the count at any later time. Read
    /// it before the code under test. Afterwards read <c>Tensor.TotalCount</c> directly, so that tensors that only the garbage collector
    /// would free count as leaked.
    /// </summary>
    public static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
