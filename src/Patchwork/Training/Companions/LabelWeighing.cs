using Patchwork.Plans;
using Patchwork.Saliency;
using static TorchSharp.torch;

namespace Patchwork.Training;

/// <summary>Weighs the labels of mixed batches by the attention of the forward pass that they are trained with.</summary>
internal sealed class LabelWeighing(IReadOnlyList<ILabelWeigher> weighers, TrainingState state) : MixingCompanion
{
    private readonly AttentionWatch attention = new(state.Model);

    public override void Begin() => attention.Forget();

    public override Batch BeforeLoss(Batch batch, Tensor logits) =>
        weighers.FirstOrDefault(mixer => mixer.Id == batch.Plan!.Method) is not { } weigher ? batch
        : batch with { Targets = weigher.Weigh(batch.Targets!, batch.Plan!, batch.RowsInPlan(), attention.Latest!) };

    public override void Dispose() => attention.Dispose();
}
