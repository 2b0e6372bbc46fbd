using TorchSharp;

namespace Patchwork.Tests.Support;

/// <summary>The number of live tensors, for tests that none is left behind.</summary>
public static class LiveTensors
{
    /// <summary>
    /// The count once what earlier tests dropped is freed, which would lower it at any later time. To be read before the code under test;
    /// after it
    /// <c>Tensor.TotalCount</c> is read as it is, so that what only the garbage collector would free counts as left behind.
    /// </summary>
    public static long Settled()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return torch.Tensor.TotalCount;
    }
}
