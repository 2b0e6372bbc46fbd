using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Trains the masks of an <see cref="ITrainedMixer"/> beside the classifier, with Adam.</summary>
internal sealed class MaskTraining : MixingCompanion
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Epsilon = 1e-8;
    private const string Steps = "steps";

    private readonly ITrainedMixer mixer;
    private readonly ImageClassifier classifier;
    private readonly MaskNetwork network;
    private readonly SortedDictionary<string, (Tensor M, Tensor V)> moments = new(StringComparer.Ordinal);
    private SeenImages? seen;
    private readonly Tensor steps = zeros(1, ScalarType.Int64).DetachFromDisposeScope();

    /// <exception cref="InputException">The training is divided, or the network is not one of the catalogue with feature maps.</exception>
    public MaskTraining(ITrainedMixer mixer, TrainingState state)
    {
        RequireWholeBatches(mixer, "trains a second network on whole batches", state);
        classifier = state.Model is ImageClassifier { HasFeatureMaps: true } known ? known
            : throw new InputException($"{mixer.Id} needs a convolutional network of the catalogue. Received: {state.Model.GetName()}.");
        this.mixer = mixer;
        network = state.Options.Seeds.Network(() => mixer.CreateMasks(classifier));
        foreach (var (name, parameter) in network.Block.named_parameters())
            moments[name] = (zeros_like(parameter).DetachFromDisposeScope(), zeros_like(parameter).DetachFromDisposeScope());
    }

    /// <summary>Computes the features of the batch once, for its plan and for the training of the masks.</summary>
    public override MixContext Complete(MixContext context, Batch batch)
    {
        seen?.Dispose();
        seen = network.See(batch.Images);
        return context with { Masks = seen };
    }

    /// <summary>True for batches that the mixer itself mixed.</summary>
    public override bool AddsCleanHalf(MixPlan plan) => mixer.TrainsOnCleanImages && plan.Method == mixer.Id;

    /// <summary>Makes one step of the masks on a batch that is not mixed.</summary>
    /// <exception cref="NonFiniteException">The loss of the masks is NaN or infinite.</exception>
    public override void Train(TrainingState state, Batch batch, double? alpha)
    {
        using var scope = NewDisposeScope();
        network.Block.zero_grad();
        var draws = state.Options.Seeds.Open("masks", state.Epoch, state.StepInEpoch);
        var loss = network.Loss(seen!, batch.Labels, state.Criterion, draws, alpha);
        state.Loss = loss.ToDouble();
        if (!double.IsFinite(state.Loss))
            throw NonFinite.Loss(state);
        loss.backward();
        using var noGradient = no_grad();
        var rate = mixer.MaskRate * (state.Options.Schedule?.Rate(state.Step) / state.Options.Optimizer.LearningRate ?? 1);
        steps.add_(One, One);
        var count = steps.ToInt64();
        foreach (var (name, parameter) in network.Block.named_parameters())
            HeldStep.Adam(parameter, parameter.grad!, moments[name].M, moments[name].V, count, rate, Beta1, Beta2, Epsilon);
    }

    /// <summary>Lets the copy of the classifier follow it.</summary>
    public override void End()
    {
        seen?.Dispose();
        seen = null;
        network.Follow(classifier);
    }

    public override IEnumerable<KeyValuePair<string, Tensor>> Tensors()
    {
        var tensors = network.state_dict().ToDictionary(one => $"network.{one.Key}", one => one.Value);
        foreach (var (name, (m, v)) in moments)
            (tensors[$"m.{name}"], tensors[$"v.{name}"]) = (m, v);
        tensors[Steps] = steps;
        return tensors;
    }

    public override void Load(IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var noGradient = no_grad();
        foreach (var (name, own) in network.state_dict())
            own.copy_(tensors[$"network.{name}"]);
        foreach (var (name, (m, v)) in moments)
        {
            m.copy_(tensors[$"m.{name}"]);
            v.copy_(tensors[$"v.{name}"]);
        }
        steps.copy_(tensors[Steps]);
    }

    public override void Dispose()
    {
        seen?.Dispose();
        foreach (var (m, v) in moments.Values)
        {
            m.Dispose();
            v.Dispose();
        }
        moments.Clear();
        steps.Dispose();
        network.Dispose();
    }
}
