using Patchwork.Losses;
using Patchwork.Mixing;
using Patchwork.Models;
using Patchwork.Plans;
using Patchwork.Randomness;
using Patchwork.Recipes;
using Patchwork.Regularization;
using Patchwork.Saliency;
using Patchwork.Training;
using TorchSharp;
using static Patchwork.Internals.Scalars;
using static TorchSharp.torch;

namespace Patchwork.Benchmarks;

/// <summary>The cost of a method on batches of one size.</summary>
/// <param name="Method">Id of the method in the catalogue.</param>
/// <param name="Step">
/// Time of a training step with the method divided by that of one without: 1 + time in the method / time of the plain step. For methods
/// inside the network, whole steps are divided by whole steps, which varies far more on a noisy machine.
/// </param>
/// <param name="Copies">Time in the method, or time that it adds, divided by that of one <c>copy_</c> of the batch.</param>
public sealed record MethodCost(string Method, SpeedRatio Step, SpeedRatio Copies);

/// <summary>The costs of all methods on batches of one size, relative to a training step of one model.</summary>
/// <param name="Model">Id of the model.</param>
/// <param name="Batch">Images per batch, 3 channels each.</param>
/// <param name="Side">Rows and columns of an image.</param>
/// <param name="StepSeconds">Median time of the plain step.</param>
/// <param name="Costs">One entry per method.</param>
public sealed record MethodCosts(string Model, int Batch, int Side, double StepSeconds, IReadOnlyList<MethodCost> Costs);

/// <summary>
/// Measures what each method of the catalogue that the network can be trained with adds to a training step. In every round the plain step
/// and then each method are timed in turn
/// in one process, so that a noisy machine affects them alike. Every method has its default options.
/// </summary>
public static class MethodBench
{
    /// <summary>Measures all methods. The first round is discarded, because it touches memory for the first time.</summary>
    /// <param name="modelId">Id of the model of the training step, with ten classes.</param>
    /// <param name="batch">Images per batch. Range: at least 2.</param>
    /// <param name="side">Rows and columns of an image.</param>
    /// <param name="budget">New rounds start until this time has passed.</param>
    /// <param name="leastRounds">Minimum number of rounds, including the first. Range: at least 2.</param>
    public static MethodCosts Run(string modelId, int batch, int side, TimeSpan budget, int leastRounds = 8)
    {
        var seeds = new SeedStream(1);
        seeds.SeedTorch("bench");
        using var scope = NewDisposeScope();
        using var model = ModelZoo.Create(modelId, 10, imageSize: side);
        var methods = Methods.For(modelId);
        using var optimizer = new Sgd().Create(model);
        var networks = methods.Select(method => method.Create()).OfType<BranchRegularizer>()
            .ToDictionary(method => method.Id, method => new Network(modelId, side, method));
        var (images, labels) = (rand(batch, 3, side, side), randint(10, [batch]));
        var copy = empty_like(images);
        using var logits = Logits(model, images);
        using var pixels = new PixelCosts(images, labels, logits, model);
        var features = methods.Select(method => method.Create()).OfType<FeatureMixer>().SelectMany(mixer => mixer.Layers).Distinct()
            .ToDictionary(layer => layer, layer => LayerFeatures.Of(model, images, layer));
        var (steps, costs, copies) = (new List<double>(), Lists(methods), Lists(methods));
        SpeedBench.Repeat(budget, leastRounds, round =>
        {
            var step = SpeedBench.Time(() => PlainStep(model, optimizer, images, labels));
            var copying = SpeedBench.Time(() => copy.copy_(images));
            foreach (var method in methods)
            {
                using var each = NewDisposeScope();
                var draws = seeds.Open("mix", 0, round);
                var seconds = method.Create() switch
                {
                    Mixer mixer => pixels.Mixing(mixer, draws) + (mixer is ITrainedMixer { TrainsOnCleanImages: true } ? step : 0),
                    Eraser eraser => pixels.Erasing(eraser, draws),
                    BranchRegularizer regularizer => SpeedBench.Time(() => networks[regularizer.Id].Step(images, labels)) - step,
                    LabelRule rule => pixels.Ruling(rule),
                    FeatureMixer mixer => mixer.Layers.Average(layer => FeatureCost(mixer, layer, features[layer], images, draws)
                        + pixels.Targets(mixer, draws)),
                    _ => throw new InvalidOperationException($"The benchmark cannot measure {method.Id}."),
                };
                if (round == 0)
                    continue;
                costs[method.Id].Add(1 + seconds / step);
                copies[method.Id].Add(seconds / copying);
            }
            if (round > 0)
                steps.Add(step);
        });
        foreach (var network in networks.Values)
            network.Dispose();
        return new MethodCosts(modelId, batch, side, SpeedRatio.Of(steps).Median,
            [.. methods.Select(method =>
                new MethodCost(method.Id, SpeedRatio.Of(costs[method.Id]), SpeedRatio.Of(copies[method.Id])))]);
    }

    private static Dictionary<string, List<double>> Lists(IReadOnlyList<Method> methods) =>
        methods.ToDictionary(method => method.Id, _ => new List<double>());

    private static void PlainStep(nn.Module<Tensor, Tensor> model, optim.Optimizer optimizer, Tensor images, Tensor labels)
    {
        using var scope = NewDisposeScope();
        optimizer.zero_grad();
        new CrossEntropy().Evaluate(model.call(images), labels).backward();
        optimizer.step();
    }

    private static Tensor Logits(nn.Module<Tensor, Tensor> model, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        return model.call(images).MoveToOuterDisposeScope();
    }

    // Time of a forward and a backward pass through a layer that does nothing, with the method's plan, minus that without. At the input
    // there is no gradient.
    private static double FeatureCost(FeatureMixer mixer, string layer, Tensor features, Tensor images, Draws draws)
    {
        using var scope = NewDisposeScope();
        using var carrier = new LayerCarrier(layer);
        using var attached = (mixer with { Layers = [layer] }).Attach(carrier, features);
        if (layer == FeatureMixer.Input)
        {
            return SpeedBench.Time(() =>
            {
                attached.Plan = attached.Draw(images, draws);
                attached.Input(images);
            });
        }
        var gradient = ones_like(features);
        double Pass()
        {
            using var pass = NewDisposeScope();
            var input = features.detach().requires_grad_();
            return SpeedBench.Time(() => (carrier.call(input) * One).backward([gradient]));
        }
        var plain = Pass();
        var planning = SpeedBench.Time(() => attached.Plan = attached.Draw(features, draws));
        return Math.Max(0, planning + Pass() - plain);
    }

    /// <summary>A network with a method inside, and its own optimizer.</summary>
    private sealed class Network(string modelId, int side, BranchRegularizer method) : IDisposable
    {
        private readonly ImageClassifier model =
            ModelZoo.Create(modelId, 10, imageSize: side, options: MethodStack.Parse(method.Id).ModelOptions);
        private optim.Optimizer? optimizer;

        public void Step(Tensor images, Tensor labels) => PlainStep(model, optimizer ??= new Sgd().Create(model), images, labels);

        public void Dispose()
        {
            optimizer?.Dispose();
            model.Dispose();
        }
    }

    /// <summary>Times the work of methods on one batch of pixels and labels.</summary>
    private sealed class PixelCosts(Tensor images, Tensor labels, Tensor logits, nn.Module<Tensor, Tensor> model) : IDisposable
    {
        private readonly Tensor batch = images.clone();
        private readonly CrossEntropy loss = new();

        // Planning, pixels, targets, and the extra time of the loss of pairs over that of labels.
        public double Mixing(Mixer mixer, Draws draws)
        {
            if (mixer is IRecursiveMixer recursive)
                return Recursive(mixer, recursive, draws);
            if (mixer is ITrainedMixer trained)
                return Trained(mixer, trained, draws);
            MixPlan? plan = null;
            var pixels = SpeedBench.Time(() =>
            {
                plan = mixer.Plan(MixContext.Of(batch, draws) with { Labels = labels, Model = model });
                mixer.ApplyInPlace(batch, plan);
            });
            return pixels + Targets(plan!) + (mixer is ILabelWeigher weigher ? Weighing(weigher, plan!) : 0);
        }

        // What the attention costs in the forward pass, and the weights that follow from it.
        private double Weighing(ILabelWeigher weigher, MixPlan plan)
        {
            var rows = Enumerable.Range(0, plan.Images.Count).ToArray();
            var targets = PairTargets.Of(labels, plan);
            double Pass() => SpeedBench.Time(() =>
            {
                using var noGradient = no_grad();
                model.call(images).Dispose();
            });
            var unwatched = Pass();
            using var watch = new AttentionWatch(model);
            var watching = Math.Max(0, Pass() - unwatched);
            return watching + SpeedBench.Time(() => weigher.Weigh(targets, plan, rows, watch.Latest!));
        }

        // Mixing, and one step of the masks. The clean images, which the network sees too, are counted by the caller.
        private double Trained(Mixer mixer, ITrainedMixer trained, Draws draws)
        {
            using var masks = trained.CreateMasks((ImageClassifier)model);
            SeenImages? seen = null;
            MixPlan? plan = null;
            var seeing = SpeedBench.Time(() => seen = masks.See(images));
            var mixing = SpeedBench.Time(() =>
                mixer.ApplyInPlace(batch, plan = mixer.Plan(MixContext.Of(images, draws) with { Masks = seen })));
            using var adam = optim.Adam(masks.Block.parameters());
            var training = SpeedBench.Time(() =>
            {
                masks.Loss(seen!, labels, loss, draws).backward();
                adam.step();
                masks.Follow((ImageClassifier)model);
            });
            seen!.Dispose();
            return seeing + mixing + training + Targets(plan!);
        }

        // Mixing with the batch of the step before, keeping this one for the next, and the added loss with its gradient.
        private double Recursive(Mixer mixer, IRecursiveMixer recursive, Draws draws)
        {
            using var before = EarlierBatch.Of(new Batch(images, labels), logits);
            Batch? mixed = null;
            var mixing = SpeedBench.Time(() => mixed = mixer.Mix(new Batch(batch, labels) { Earlier = before }, draws));
            var keeping = SpeedBench.Time(() => EarlierBatch.Of(mixed!, logits).Dispose());
            var classifier = (ImageClassifier)model;
            Tensor? map = null;
            classifier.LastMap = last => map = last.detach().clone().DetachFromDisposeScope();
            using (no_grad())
                classifier.call(images).Dispose();
            classifier.LastMap = null;
            using var features = map!.requires_grad_();
            var comparing = SpeedBench.Time(() => recursive.Consistency(features, classifier.Head, mixed!.Plan!, before).sum().backward());
            classifier.zero_grad();
            return mixing + keeping + comparing + Targets(mixed!.Plan!, mixed.Targets);
        }

        public double Ruling(LabelRule rule)
        {
            var ruled = rule.In(loss);
            var plain = SpeedBench.Time(() => loss.Evaluate(logits, labels));
            return Math.Max(0, SpeedBench.Time(() => ruled.Evaluate(logits, labels)) - plain);
        }

        public double Erasing(Eraser eraser, Draws draws) =>
            SpeedBench.Time(() => Eraser.Apply(batch, eraser.Plan(MixContext.Of(batch, draws))));

        public double Targets(FeatureMixer mixer, Draws draws) =>
            Targets(mixer.Plan(mixer.Layers[0], new MixContext((int)labels.size(0), 8, 8, draws)));

        public void Dispose() => batch.Dispose();

        private double Targets(MixPlan plan, PairTargets? targets = null)
        {
            var making = targets is not null ? 0 : SpeedBench.Time(() => targets = PairTargets.Of(labels, plan));
            var plain = SpeedBench.Time(() => loss.Evaluate(logits, labels));
            var paired = SpeedBench.Time(() => targets!.Loss(logits, loss));
            return making + Math.Max(0, paired - plain);
        }
    }
}
