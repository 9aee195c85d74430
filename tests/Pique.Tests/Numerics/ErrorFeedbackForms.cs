using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

/// <summary>Runs every form of the error-feedback kernel over the first columns of a weight.</summary>
internal static unsafe class ErrorFeedbackForms
{
    private const int Width = 100;

    /// <summary>Bits of weights and errors, form by form.</summary>
    public static List<int[]> Run(Tensor weight, Tensor secondMoment, GroupLayout layout, CodeGrid grid, GroupScales scales)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor factor = secondMoment.inverse().narrow(0, 0, Width).narrow(1, 0, Width).to(ScalarType.Float32).abs().add(HeldScalar.Of(0.5f)).contiguous();
        int[] places = [.. Enumerable.Range(0, (int)layout.Columns)];
        List<int[]> results = [];
        foreach (KernelForm form in Enum.GetValues<KernelForm>())
        {
            Tensor work = weight.clone();
            Tensor errors = zeros(layout.Rows, Width);
            fixed (int* first = places)
            {
                ErrorFeedbackKernel.Run(
                    new()
                    {
                        Weights = TensorPointer.Of(work),
                        Errors = TensorPointer.Of(errors),
                        Factor = TensorPointer.Of(factor),
                        Places = first,
                        Grid = new GridPointers(grid, TensorPointer.Of(scales.Scales), scales.ZeroPoints is null ? null : TensorPointer.Of(scales.ZeroPoints)),
                        Rows = layout.Rows,
                        Columns = layout.Columns,
                        First = 16,
                        Width = Width,
                        ScalesPerRow = layout.BlocksPerLine,
                        BlockSize = layout.BlockSize,
                    },
                    form);
            }

            results.Add([.. work.data<float>().ToArray().Concat(errors.data<float>().ToArray()).Select(BitConverter.SingleToInt32Bits)]);
        }

        return results;
    }
}
