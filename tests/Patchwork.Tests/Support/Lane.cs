using Xunit;

namespace Patchwork.Tests.Support;

/// <summary>
/// The selection of the tests. The short lane, <c>dotnet test</c>, takes minutes; the full lane, with <c>PATCHWORK_TESTS=full</c>, is what
/// <c>.ci/run</c> runs.
/// </summary>
internal static class Lane
{
    /// <summary>True in the full lane.</summary>
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("PATCHWORK_TESTS") == "full";

    /// <summary>
    /// The number of repetitions of a test: <paramref name="full"/> times in the full lane, <paramref name="shortened"/> times in the short
    /// one.
    /// </summary>
    public static int Count(int full, int shortened) => IsFull ? full : shortened;

    /// <summary>Skips a test in the short lane.</summary>
    /// <param name="reason">Why the test is slow.</param>
    public static void NeedFull(string reason) =>
        Assert.SkipUnless(IsFull, $"Runs in the full lane only (PATCHWORK_TESTS=full): {reason}.");
}
