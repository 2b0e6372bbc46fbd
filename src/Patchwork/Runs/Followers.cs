using System.Text;
using System.Text.Json.Nodes;
using Patchwork.Distributed;

namespace Patchwork.Runs;

/// <summary>
/// The ranks other than 0. Rank 0 does what a single process would do, and calls the others for the work that can be shared. They need the
/// same data, but no files of a run and no command line.
/// </summary>
/// <example><code>
/// using var collective = Launcher.Join();
/// if (collective.Rank > 0)
/// {
///     Followers.Serve(collective);
///     return;
/// }
/// try
/// {
///     TrainingRun.Start(recipe, "runs/one", [], Console.WriteLine, collective);
///     Followers.Dismiss(collective);
/// }
/// catch (Exception failure)
/// {
///     Followers.Dismiss(collective, failure);
///     throw;
/// }
/// </code></example>
public static class Followers
{
    private const string Work = "work", Train = "train", Evaluate = "evaluate", End = "end";

    /// <summary>On a rank other than 0: takes part in whatever rank 0 does, until rank 0 dismisses its followers.</summary>
    /// <param name="collective">The ranks.</param>
    /// <param name="cancellation">Cancels the work on all ranks.</param>
    /// <exception cref="Exception">The exception that ended the work of all ranks.</exception>
    public static void Serve(ICollective collective, CancellationToken cancellation = default)
    {
        var serving = true;
        while (serving)
        {
            serving = Ranks.Of(collective).Together(ranks =>
            {
                var order = JsonNode.Parse(ranks.Unhurried(() => ranks.Broadcast(null)))!;      // rank 0 also has other work to do
                switch ((string)order[Work]!)
                {
                    case Train:
                        TrainingRun.Follow(collective, ranks, cancellation);
                        return true;
                    case Evaluate:
                        SharedSuites.Follow(ranks, cancellation);
                        return true;
                    default:
                        return false;
                }
            });
        }
    }

    /// <summary>On rank 0: tells the others that no more work follows. Without this call they keep waiting.</summary>
    /// <param name="collective">The ranks.</param>
    /// <param name="failure">The exception that ended the work; null if it is done.</param>
    public static void Dismiss(ICollective collective, Exception? failure = null)
    {
        var ranks = Ranks.Of(collective);
        if (ranks.Alone || ranks.Ended)
            return;
        if (failure is null)
            Call(ranks, End);
        else
            ranks.Joint(failure);
    }

    /// <summary>On rank 0: calls the others to train.</summary>
    internal static void CallToTrain(Ranks ranks) => Call(ranks, Train);

    /// <summary>On rank 0: calls the others to evaluate.</summary>
    internal static void CallToEvaluate(Ranks ranks) => Call(ranks, Evaluate);

    private static void Call(Ranks ranks, string work)
    {
        if (!ranks.Alone)
            ranks.Broadcast(Encoding.UTF8.GetBytes(new JsonObject { [Work] = work }.ToJsonString()));
    }
}
