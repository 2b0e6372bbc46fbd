using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;
using static TorchSharp.torch;

namespace Patchwork.Tests.Training;

/// <summary>Executes the pseudocode at the top of <c>Trainer.cs</c> and checks that a fit calls its hooks in that order.</summary>
[Collection(SerialCollection.Name)]
public sealed partial class HookOrderTests
{
    private static readonly Line[] Pseudocode = [.. File.ReadLines(Repository.File("src/Patchwork/Training/Trainer.cs"))
        .SkipWhile(line => !line.StartsWith("//   ", StringComparison.Ordinal))
            .TakeWhile(line => line.StartsWith("//   ", StringComparison.Ordinal))
        .Select(Line.Read)];

    [Fact]
    public void A_fit_calls_the_hooks_in_the_order_of_the_pseudocode()
    {
        var recorder = new Recorder();
        using var fit = new TrainerTests.Fit();
        fit.Run([recorder], epochs: 2, test: true);      // two training batches per epoch, one validation batch and one test batch
        Assert.Equal(Expected(epochs: 2, resumed: false), recorder.Hooks);
    }

    [Fact]
    public void A_resumed_fit_loads_states_where_the_pseudocode_says()
    {
        var folder = Directory.CreateTempSubdirectory("patchwork-hooks-");
        try
        {
            var store = new CheckpointStore(folder.FullName);
            using (var first = new TrainerTests.Fit())
                first.Run([new Recorder(), new Checkpointing(store), new StopAfter(epochs: 1)], epochs: 2);
            var recorder = new Recorder();
            using var second = new TrainerTests.Fit();
            second.Run([recorder, new Checkpointing(store), new StopAfter(epochs: 9)], epochs: 2, test: true, resume: store.Load(_ => { }));
            Assert.Equal(Expected(epochs: 1, resumed: true), recorder.Hooks);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_fit_that_fails_anywhere_notifies_its_callbacks_and_ends()
    {
        var whole = Expected(epochs: 1, resumed: false);
        string[] after = [.. Pseudocode.Where(line => line.Remark.Contains("throws", StringComparison.Ordinal))
            .SelectMany(line => line.Hooks), whole[^1]];
        Assert.Equal(["OnException", "OnFitEnd"], after);
        foreach (var at in Enumerable.Range(0, whole.Length - 1))
        {
            var recorder = new Recorder { FailAt = at };
            using var fit = new TrainerTests.Fit();
            Assert.Throws<InvalidOperationException>(() => fit.Run([recorder], epochs: 1, test: true));
            Assert.Equal([.. whole[..(at + 1)], .. after], recorder.Hooks);
        }
    }

    [Fact]
    public void The_pseudocode_lists_exactly_the_existing_hooks()
    {
        var hooks = typeof(Callback).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Select(method => method.Name)
                .Where(name => name.StartsWith("On", StringComparison.Ordinal) || name.StartsWith("Load", StringComparison.Ordinal));
        Assert.Equal(hooks.Order(StringComparer.Ordinal), Pseudocode.SelectMany(line => line.Hooks).Distinct()
            .Order(StringComparer.Ordinal));
    }

    // Executes the pseudocode: lines that are indented below a loop are its body.
    private static string[] Expected(int epochs, bool resumed)
    {
        var steps = new Dictionary<string, int> { ["for each epoch"] = epochs, ["for each batch"] = 1 };
        var called = new List<string>();
        Run(0, Pseudocode.Length);
        return [.. called];

        void Run(int from, int end)
        {
            for (var i = from; i < end;)
            {
                var line = Pseudocode[i];
                var next = i + 1;
                while (next < end && Pseudocode[next].Indent > line.Indent)
                    next++;
                if (line.Loop is null)
                    called.AddRange(line.Optional && !(resumed && line.Remark == "on resume") ? [] : line.Hooks);
                // The training loop over batches spans several lines and runs twice here; those of validation and test are single lines and
                // run once.
                var times = line.Loop is null ? 0 : next > i + 1 && line.Loop == "for each batch" ? 2 : steps[line.Loop];
                for (var k = 0; k < times; k++)
                {
                    called.AddRange(line.Hooks);
                    Run(i + 1, next);
                }
                i = next;
            }
        }
    }

    /// <summary>A line of the pseudocode.</summary>
    private sealed record Line(int Indent, string? Loop, bool Optional, string[] Hooks, string Remark)
    {
        public static Line Read(string text)
        {
            var body = text["//   ".Length..];
            var trimmed = body.TrimStart();
            var (code, remark) = trimmed.Split("   ", 2, StringSplitOptions.TrimEntries) is [var before, var after] ? (before, after)
                : (trimmed, "");
            var loop = code.StartsWith("for each ", StringComparison.Ordinal) ? code[..code.IndexOf(':', StringComparison.Ordinal)] : null;
            return new(body.Length - trimmed.Length, loop, code.StartsWith('['), [.. Hook().Matches(code).Select(match => match.Value)],
                remark);
        }
    }

    private sealed class StopAfter(int epochs) : Callback
    {
        public override void OnTrainEpochEnd(TrainingState state)
        {
            if (state.Epoch >= epochs)
                state.Stop("enough");
        }
    }

    // Has both a state and state tensors, so that both are loaded on resume.
    private sealed class Recorder : Callback
    {
        private readonly Tensor memory = ones(1);

        public List<string> Hooks { get; } = [];

        public int FailAt { get; init; } = -1;

        private void Add([System.Runtime.CompilerServices.CallerMemberName] string hook = "")
        {
            Hooks.Add(hook);
            if (Hooks.Count == FailAt + 1)
                throw new InvalidOperationException("on purpose");
        }

        public override void OnFitStart(TrainingState state) => Add();
        public override void OnTrainStart(TrainingState state) => Add();
        public override void OnTrainEpochStart(TrainingState state) => Add();

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            Add();
            return batch;
        }

        public override Batch OnBeforeLoss(TrainingState state, Batch batch, Tensor logits)
        {
            Add();
            return batch;
        }

        public override void OnBeforeBackward(TrainingState state) => Add();
        public override void OnAfterBackward(TrainingState state) => Add();
        public override void OnBeforeOptimizerStep(TrainingState state) => Add();
        public override void OnTrainBatchEnd(TrainingState state, Batch batch) => Add();
        public override void OnTrainEpochEnd(TrainingState state) => Add();
        public override void OnValidationStart(TrainingState state) => Add();
        public override void OnValidationBatchStart(TrainingState state, Batch batch) => Add();
        public override void OnValidationBatchEnd(TrainingState state, Batch batch) => Add();
        public override void OnValidationEnd(TrainingState state) => Add();
        public override void OnTestStart(TrainingState state) => Add();
        public override void OnTestBatchStart(TrainingState state, Batch batch) => Add();
        public override void OnTestBatchEnd(TrainingState state, Batch batch) => Add();
        public override void OnTestEnd(TrainingState state) => Add();
        public override void OnTrainEnd(TrainingState state) => Add();
        public override void OnFitEnd(TrainingState state) => Hooks.Add(nameof(OnFitEnd));
        public override void OnException(TrainingState state, Exception exception) => Hooks.Add(nameof(OnException));
        public override JsonObject? StateDict() => new() { ["calls"] = Hooks.Count };
        public override void LoadStateDict(JsonObject state) => Add();
        public override IReadOnlyDictionary<string, Tensor>? StateTensors() => new Dictionary<string, Tensor> { ["memory"] = memory };
        public override void LoadStateTensors(IReadOnlyDictionary<string, Tensor> tensors) => Add();
    }

    [GeneratedRegex(@"\b(?:On[A-Z]\w+|LoadState\w+)\b")]
    private static partial Regex Hook();
}
