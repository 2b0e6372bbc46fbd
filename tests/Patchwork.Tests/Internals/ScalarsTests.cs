using Patchwork.Internals;
using Patchwork.Tests.Support;
using TorchSharp;
using Xunit;

namespace Patchwork.Tests.Internals;

[Collection(SerialCollection.Name)]
public sealed class ScalarsTests
{
    [Fact]
    public void A_held_scalar_is_not_garbage_collected()
    {
        var made = Enumerable.Range(0, 1000).Select(i => new WeakReference(Scalars.Held(i + 0.5))).ToArray();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.All(made, reference => Assert.True(reference.IsAlive));
    }

    [Fact]
    public void Sums_and_complements_are_bit_identical_to_torch()
    {
        using var scope = torch.NewDisposeScope();
        var (a, b) = (torch.linspace(-1.7, 2.3, 1001), torch.linspace(0.1, 0.9, 1001));
        Assert.True(a.Plus(b).Equals(a + b));
        Assert.True(a.Plus(0.1).Equals(a + 0.1));
        Assert.True(Scalars.OneMinus(a).Equals(1 - a));
        Assert.True(a.clone().PlusInPlace(b).Equals(a + b));
        Assert.True((a * Scalars.Held(0.3)).Equals(a * 0.3));
        Assert.Equal(torch.ScalarType.Int64, (torch.arange(3L) * Scalars.Held(2L)).dtype);
    }
}
