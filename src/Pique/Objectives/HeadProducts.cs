using Pique.Models;
using Pique.Numerics;
using Pique.Quantization.Frozen;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The three products of an output head, for a chunk of positions at a time, in float32 or bfloat16; what comes out is float32.</summary>
internal sealed class HeadProducts
{
    private readonly Tensor _input;
    private readonly Tensor _weight;
    private readonly FrozenWeight? _frozen;
    private readonly Tensor _buffer;

    private HeadProducts(Tensor input, Tensor weight, FrozenWeight? frozen, Tensor buffer)
    {
        _input = input;
        _weight = weight;
        _frozen = frozen;
        _buffer = buffer;
    }

    private bool IsRounded => _input.dtype != ScalarType.Float32;

    /// <summary>Prepares the products. What it makes belongs to the current dispose scope.</summary>
    /// <param name="head">The head; input of shape [positions, hidden].</param>
    /// <param name="computeType">Float32 or BFloat16; Float32 where the head is frozen.</param>
    /// <param name="chunkRows">Positions of the largest chunk.</param>
    public static HeadProducts Of(LogitFactors head, ScalarType computeType, int chunkRows) => new(
        head.Input.to(computeType), head.Weight.to(computeType), head.Frozen, empty([Math.Min(chunkRows, head.Input.shape[0]), head.Weight.shape[0]]));

    /// <summary>Logits of a chunk: a buffer that the next call overwrites.</summary>
    /// <param name="first">First position.</param>
    /// <param name="count">Number of positions.</param>
    public Tensor Logits(int first, int count)
    {
        Tensor logits = _buffer.narrow(0, 0, count), rows = _input.narrow(0, first, count);
        if (_frozen is not null)
        {
            ConstantProduct.Multiply(rows, _frozen, logits);
            return logits;
        }

        return IsRounded ? logits.copy_(rows.mm(_weight.t())) : logits.addmm_(rows, _weight.t(), beta: 0);
    }

    /// <summary>Writes the gradient of the head's input.</summary>
    /// <param name="gradient">Gradient of the chunk's logits.</param>
    /// <param name="destination">Receives it, shape [chunk, hidden].</param>
    public void InputGradient(Tensor gradient, Tensor destination)
    {
        if (_frozen is not null)
            ConstantProduct.InputGradient(gradient, _frozen, destination);
        else if (IsRounded)
            destination.copy_(gradient.to(_weight.dtype).mm(_weight));
        else
            destination.addmm_(gradient, _weight, beta: 0);
    }

    /// <summary>Adds the chunk's share to the gradient of the head's weight.</summary>
    /// <param name="gradient">Gradient of the chunk's logits.</param>
    /// <param name="first">First position.</param>
    /// <param name="destination">The sum, shape [vocabulary, hidden].</param>
    /// <param name="accumulates">Whether there is a sum already; else what is there means nothing.</param>
    public void WeightGradient(Tensor gradient, int first, Tensor destination, bool accumulates)
    {
        Tensor rows = _input.narrow(0, first, gradient.shape[0]);
        if (!IsRounded)
        {
            destination.addmm_(gradient.t(), rows, beta: accumulates ? 1 : 0);
            return;
        }

        Tensor share = gradient.to(_weight.dtype).t().mm(rows);
        if (accumulates)
            destination.add_(share, HeldScalar.Of(1));
        else
            destination.copy_(share);
    }
}
