using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Numerics;

/// <summary>A backward pass through a graph that is used once: what autograd functions of ours saved is let go as the pass goes by.</summary>
/// <remarks>
/// Autograd frees what its own operations saved once they are passed, unless told that the graph is used again; functions in managed code are told
/// nothing of it, and what they saved would lie there until the whole graph goes. So whoever runs a pass says here that it is the only one.
/// </remarks>
internal static class BackwardPass
{
    [ThreadStatic]
    private static bool _isOnly;

    /// <summary>Runs the only backward pass of a graph.</summary>
    /// <param name="result">Where it starts.</param>
    /// <param name="gradient">Gradient of the result; null for 1, of a scalar.</param>
    public static void Run(Tensor result, Tensor? gradient = null)
    {
        bool isInner = _isOnly;
        _isOnly = true;
        try
        {
            if (gradient is null)
                result.backward();
            else
                result.backward([gradient]);
        }
        finally
        {
            _isOnly = isInner;
            HandedGradients.LetGo();
        }
    }

    /// <summary>Lets go of what a function saved, where the pass is the only one.</summary>
    /// <param name="context">The function's context; nothing is read from it afterwards.</param>
    public static void Release(AutogradContext context)
    {
        if (_isOnly)
            context.Dispose();
    }
}
