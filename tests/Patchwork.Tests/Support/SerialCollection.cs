using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>Tests that count live tensors, set torch's threads or start processes: they run one at a time, with no other tests.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class SerialCollection
{
    public const string Name = "serial";
}
