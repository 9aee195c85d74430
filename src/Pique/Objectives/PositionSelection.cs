using Pique.Data;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The positions of a batch whose logits some loss reads, in ascending flat order (row·context + index).</summary>
/// <param name="Positions">Flat positions, shape [positions], int64; null where all are read.</param>
/// <param name="Targets">Their next tokens, shape [positions], int64.</param>
/// <param name="Mask">Their loss mask, shape [positions], float32.</param>
/// <param name="ReasoningRows">Which of them predict reasoning tokens, as indices into the above; null without a plan.</param>
internal sealed record PositionSelection(Tensor? Positions, Tensor Targets, Tensor Mask, Tensor? ReasoningRows)
{
    /// <summary>Finds the positions. Its tensors belong to the current dispose scope.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="plan">Reasoning positions, or null.</param>
    public static PositionSelection Create(TokenBatch batch, ReasoningPlan? plan)
    {
        float[] mask = batch.LossMask.cpu().reshape(-1).data<float>().ToArray();
        List<long> positions = [], reasoningRows = [];
        for (int i = 0; i < mask.Length; i++)
        {
            bool reasons = plan is not null && plan.TokenWeights.ContainsKey(i);
            if (reasons)
            {
                reasoningRows.Add(positions.Count);
            }

            if (reasons || mask[i] != 0)
            {
                positions.Add(i);
            }
        }

        Device device = batch.Inputs.device;
        Tensor? rows = plan is null ? null : tensor(reasoningRows.ToArray(), device: device);
        if (positions.Count == mask.Length)
        {
            return new(null, batch.Targets.reshape(-1), batch.LossMask.reshape(-1), rows);
        }

        Tensor index = tensor(positions.ToArray(), device: device);
        return new(index, batch.Targets.reshape(-1).index_select(0, index), batch.LossMask.reshape(-1).index_select(0, index), rows);
    }

    /// <summary>Takes the rows of these positions.</summary>
    /// <param name="hidden">Shape [rows·context, hidden].</param>
    /// <returns>Shape [positions, hidden].</returns>
    public Tensor Select(Tensor hidden) => Positions is null ? hidden : hidden.index_select(0, Positions);
}
