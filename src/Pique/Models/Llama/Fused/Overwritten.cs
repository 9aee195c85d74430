using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>The memory of a tensor as the output of an operation that overwrites it.</summary>
internal static class Overwritten
{
    /// <summary>A new tensor on the same memory, for an autograd function to return.</summary>
    /// <param name="tensor">Freshly made; nothing reads it any more.</param>
    /// <remarks>
    /// Its gradient is the function's own affair: marking the input as changed in place would do for tensors that are no views, and many
    /// projections are. The change is entered in the tensor's version all the same, so autograd refuses the backward pass if it has kept the old
    /// values after all.
    /// </remarks>
    public static Tensor By(Tensor tensor)
    {
        Tensor output = tensor.detach();
        using Tensor nothing = output.narrow(0, 0, 0);
        nothing.zero_();
        return output;
    }
}
