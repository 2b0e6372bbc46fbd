using Patchwork.Distributed;
using Patchwork.Plans;
using Patchwork.Tests.Support;
using Patchwork.Training;
using Xunit;

namespace Patchwork.Tests.Distributed;

/// <summary>Tests that a failure of one rank ends all ranks with the same message, and that a stored checkpoint can be resumed.</summary>
[Collection(SerialCollection.Name)]
public sealed class RanksFailureTests : IDisposable
{
    private readonly PictureSet files = new();

    private static readonly TrainerOptions Epochs = new() { Epochs = 3, Optimizer = new Sgd { LearningRate = 0.05 } };

    public static TheoryData<string> Moments => ["step", "backward", "epoch", "validation", "fit"];

    [Theory, MemberData(nameof(Moments))]
    public void A_rank_that_throws_ends_all_ranks_with_one_message_that_names_it(string moment)
    {
        var fit = new RankedFit
        {
            Options = Epochs,
            Validates = true,
            OwnCallbacks = rank => rank == 2 ? [new Failing(moment, () => new InvalidOperationException("the disk is on fire"))] : [],
        };
        var failures = ThreadRanks.Failures(3, collective => fit.On(collective));
        Assert.All(failures, failure =>
        {
            Assert.IsType<RankException>(failure);
            Assert.Equal($"Rank 2 of 3 on {Environment.MachineName} failed: the disk is on fire", failure.Message);
        });
        Assert.IsType<InvalidOperationException>(failures[2].InnerException);
    }

    [Fact]
    public void Every_rank_throws_the_exception_type_of_the_failed_rank()
    {
        foreach (var failure in (Exception[])[new InputException("no"), new OutputException("no", new IOException("no")),
            new IOException("no")])
        {
            var fit = new RankedFit { OwnCallbacks = rank => rank == 1 ? [new Failing("step", () => failure)] : [] };
            Assert.All(ThreadRanks.Failures(2, collective => fit.On(collective)), one =>
            {
                Assert.IsType(failure.GetType(), one);
                Assert.StartsWith("Rank 1 of 2 on ", one.Message, StringComparison.Ordinal);
            });
        }
    }

    [Fact]
    public void A_loss_that_is_not_finite_on_one_rank_fails_all_ranks_with_the_single_process_message()
    {
        var fit = new RankedFit { OwnCallbacks = rank => rank == 1 ? [new Spoiled()] : [] };
        Assert.All(ThreadRanks.Failures(2, collective => fit.On(collective)), failure =>
        {
            Assert.IsType<NonFiniteException>(failure);
            Assert.StartsWith("The loss must be finite. Received: NaN at epoch 0, step 1 of 3", failure.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_stop_request_on_one_rank_stops_all_ranks_at_the_same_step()
    {
        var fit = new RankedFit { Options = Epochs, OwnCallbacks = rank => rank == 1 ? [new Stopping()] : [] };
        var all = fit.Run(3);
        Assert.All(all, rank => Assert.Equal(all[0].Steps.Count, rank.Steps.Count));
        Assert.All(all, rank => Assert.Equal(all[0].Weights, rank.Weights));
        Assert.True(all[0].Steps.Count < 9);
    }

    // A training that is cancelled on any rank and resumed on as many ranks ends bit-identical to an uninterrupted one. On another number
    // of ranks its weights are only close.
    [Fact]
    public void A_cancelled_training_resumes_bit_for_bit_and_on_other_ranks_to_similar_weights()
    {
        var whole = new RankedFit { Options = Epochs, Validates = true }.Run(2)[0];
        foreach (var (rank, step) in new[] { (0, 1), (1, 2), (1, 4), (0, 6) })
        {
            var store = new CheckpointStore(files.At($"cancelled-{rank}-{step}"));
            using var stop = new CancellationTokenSource();
            var broken = new RankedFit
            {
                Options = Epochs,
                Validates = true,
                Callbacks = () => [new Checkpointing(store)],
                OwnCallbacks = own => own == rank ? [new CancelAt(step, stop)] : [],
                Cancellation = own => own == rank ? stop.Token : default,
            };
            Assert.All(ThreadRanks.Failures(2, collective => broken.On(collective)), failure => Assert.IsAssignableFrom<OperationCanceledException>(failure));
            Checkpoint Stored() => store.Load(_ => { })!;
            Assert.Equal(2, Stored().Ranks);
            var resumed = new RankedFit { Options = Epochs, Validates = true, Resume = own => own == 0 ? Stored() : null };
            var two = resumed.Run(2);
            Assert.All(two, one => Assert.Equal(whole.Weights, one.Weights));
            Assert.All(two, one => Assert.Equal(whole.Buffers, one.Buffers));
            if (step != 4)
                continue;
            foreach (var ranks in (int[])[1, 3])
            {
                var other = resumed.Run(ranks)[0];
                Assert.True(other.Weights.Zip(whole.Weights, (a, b) => Math.Abs(a - b)).Max() < 0.1, "other ranks, other rows a rank");
                Assert.All(other.Weights, weight => Assert.True(float.IsFinite(weight)));
            }
        }
    }

    [Fact]
    public void Ranks_can_train_again_after_a_reported_failure()
    {
        var bad = new RankedFit { OwnCallbacks = rank => rank == 1 ? [new Failing("step", () => new IOException("no"))] : [] };
        var weights = ThreadRanks.Run(2, collective =>
        {
            Assert.Throws<IOException>(() => bad.On(collective));
            return new RankedFit().On(collective).Weights;
        });
        Assert.Equal(new RankedFit().Run(2)[0].Weights, weights[0]);
    }

    public void Dispose() => files.Dispose();

    private sealed class Failing(string moment, Func<Exception> failure) : Callback
    {
        private void At(string here)
        {
            if (here == moment)
                throw failure();
        }

        public override void OnFitStart(TrainingState state) => At("fit");

        public override Batch OnTrainBatchStart(TrainingState state, Batch batch)
        {
            if (state.Step == 2)
                At("step");
            return batch;
        }

        public override void OnAfterBackward(TrainingState state) => At("backward");

        public override void OnValidationBatchEnd(TrainingState state, Batch batch) => At("validation");

        public override void OnTrainEpochEnd(TrainingState state) => At("epoch");
    }

    private sealed class Spoiled : Callback
    {
        public override Batch OnTrainBatchStart(TrainingState state, Batch batch) =>
            state.Step == 1 ? batch with { Images = batch.Images * float.NaN } : batch;
    }

    private sealed class Stopping : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            if (state.Step == 4)
                state.Stop("enough");
        }
    }

    private sealed class CancelAt(int step, CancellationTokenSource stop) : Callback
    {
        public override void OnTrainBatchEnd(TrainingState state, Batch batch)
        {
            if (state.Step == step)
                stop.Cancel();
        }
    }
}
