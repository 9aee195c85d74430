using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Rows that a block is trained on.</summary>
/// <param name="Inputs">What enters the student's block, shape [rows, context, hidden].</param>
/// <param name="Targets">What leaves the teacher's, same shape.</param>
/// <param name="Mask">1 where a place is a token, 0 where it is padding; shape [rows, context, 1].</param>
/// <param name="TokenCount">Tokens.</param>
internal sealed record ActivationBatch(Tensor Inputs, Tensor Targets, Tensor Mask, int TokenCount) : IDisposable
{
    /// <summary>Some of the rows, as views. The count of tokens stays that of the whole batch.</summary>
    /// <param name="first">First row.</param>
    /// <param name="end">Row after the last.</param>
    public ActivationBatch Rows(long first, long end) =>
        new(Inputs.narrow(0, first, end - first), Targets.narrow(0, first, end - first), Mask.narrow(0, first, end - first), TokenCount);

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
        Mask.Dispose();
    }
}
