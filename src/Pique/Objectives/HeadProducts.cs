using Pique.Models;
using Pique.Numerics;
using Pique.Quantization.Frozen;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The three products of an output head, for a chunk of positions at a time, of float32 factors or of such rounded to bfloat16; what comes out is float32.</summary>
internal sealed class HeadProducts
{
    private readonly Tensor _input;
    private readonly Tensor _weight;
    private readonly FrozenWeight? _frozen;
    private readonly bool _isRounded;

    /// <summary>Prepares the products. What it makes belongs to the current dispose scope.</summary>
    /// <param name="head">The head; input of shape [positions, hidden].</param>
    /// <param name="computeType">Float32 or BFloat16; Float32 where the head is frozen.</param>
    public HeadProducts(LogitFactors head, ScalarType computeType)
    {
        _isRounded = computeType != ScalarType.Float32;
        _input = Factor(head.Input);
        _weight = Factor(head.Weight);
        _frozen = head.Frozen;
    }

    /// <summary>Logits of a position.</summary>
    public long Vocabulary => _weight.shape[0];

    /// <summary>Writes the logits of a chunk.</summary>
    /// <param name="first">First position.</param>
    /// <param name="destination">Receives them, shape [chunk, vocabulary].</param>
    public void Logits(int first, Tensor destination)
    {
        Tensor rows = _input.narrow(0, first, destination.shape[0]);
        if (_frozen is not null)
            ConstantProduct.Multiply(rows, _frozen, destination);
        else if (_isRounded)
            destination.copy_(Bfloat16Product.Result(rows.mm(_weight.t())));
        else
            destination.addmm_(rows, _weight.t(), beta: 0);
    }

    /// <summary>A factor as the products take it.</summary>
    /// <param name="factor">Float32.</param>
    public Tensor Factor(Tensor factor) => _isRounded ? Bfloat16Product.Factor(factor) : factor;

    /// <summary>Writes the gradient of the head's input.</summary>
    /// <param name="gradient">Gradient of the chunk's logits, as <see cref="Factor"/> gives it.</param>
    /// <param name="destination">Receives it, shape [chunk, hidden].</param>
    public void InputGradient(Tensor gradient, Tensor destination)
    {
        if (_frozen is not null)
            ConstantProduct.InputGradient(gradient, _frozen, destination);
        else if (_isRounded)
            destination.copy_(Bfloat16Product.Result(gradient.mm(_weight)));
        else
            destination.addmm_(gradient, _weight, beta: 0);
    }

    /// <summary>Adds the chunk's share to the gradient of the head's weight.</summary>
    /// <param name="gradient">Gradient of the chunk's logits, as <see cref="Factor"/> gives it.</param>
    /// <param name="first">First position.</param>
    /// <param name="destination">The sum, shape [vocabulary, hidden].</param>
    /// <param name="accumulates">Whether there is a sum already; else what is there means nothing.</param>
    public void WeightGradient(Tensor gradient, int first, Tensor destination, bool accumulates)
    {
        Tensor rows = _input.narrow(0, first, gradient.shape[0]);
        if (!_isRounded)
        {
            destination.addmm_(gradient.t(), rows, beta: accumulates ? 1 : 0);
            return;
        }

        Tensor share = Bfloat16Product.Result(gradient.t().mm(rows));
        if (accumulates)
            destination.add_(share, HeldScalar.Of(1));
        else
            destination.copy_(share);
    }
}
