using Pique.Data;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The positions of a batch whose logits some loss reads, in ascending flat order (row·context + index), and what the losses need to know of each.</summary>
internal sealed class PositionSelection
{
    private readonly Tensor? _index;

    private PositionSelection(long[] flat, Tensor? index, long[] targets, float[] mask, float[] divergenceWeights)
    {
        Flat = flat;
        _index = index;
        Targets = targets;
        Mask = mask;
        float count = Math.Max(1f, mask.Sum());
        Weights = [.. mask.Select(counts => counts / count)];
        DivergenceWeights = divergenceWeights;
    }

    /// <summary>Flat positions.</summary>
    public long[] Flat { get; }

    /// <summary>Their next tokens.</summary>
    public long[] Targets { get; }

    /// <summary>Their loss mask.</summary>
    public float[] Mask { get; }

    /// <summary>Weight of each in a mean over unmasked positions: the mask over its sum, or over 1 where all is masked.</summary>
    public float[] Weights { get; }

    /// <summary>Weight of each one's divergence in the reasoning loss; empty without a plan.</summary>
    public float[] DivergenceWeights { get; }

    /// <summary>Finds the positions. Its tensors belong to the current dispose scope.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="plan">Reasoning positions, or null.</param>
    public static PositionSelection Create(TokenBatch batch, ReasoningPlan? plan)
    {
        float[] mask = batch.LossMask.cpu().reshape(-1).data<float>().ToArray();
        long[] targets = batch.Targets.cpu().reshape(-1).data<long>().ToArray();
        long[] flat = [.. Enumerable.Range(0, mask.Length).Where(i => mask[i] != 0 || plan is not null && plan.TokenWeights.ContainsKey(i)).Select(i => (long)i)];
        Tensor? index = flat.Length == mask.Length ? null : tensor(flat, device: batch.Inputs.device);
        return new(
            flat,
            index,
            [.. flat.Select(position => targets[position])],
            [.. flat.Select(position => mask[position])],
            plan is null ? [] : [.. flat.Select(position => plan.TokenWeights.GetValueOrDefault(position))]);
    }

    /// <summary>Takes the rows of these positions.</summary>
    /// <param name="hidden">Shape [rows·context, hidden].</param>
    /// <returns>Shape [positions, hidden].</returns>
    public Tensor Select(Tensor hidden) => _index is null ? hidden : hidden.index_select(0, _index);
}
