using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Gradients that an autograd function of ours hands back, kept no longer than autograd takes to fetch them.</summary>
/// <remarks>
/// Autograd takes its own reference to what a backward method returns before it runs any other, but ours would last until the scope around the
/// whole backward pass ends: every layer's gradients would lie in memory at once. So the references of the last call are let go at the next one
/// on the same thread, if the scope has not ended before.
/// </remarks>
internal static class HandedGradients
{
    [ThreadStatic]
    private static Tensor[]? _last;

    /// <summary>Hands gradients over.</summary>
    /// <param name="upstream">What came in, which is let go.</param>
    /// <param name="gradients">One an argument of the function, null for none; of the backward method's own scope. The same may stand for several arguments.</param>
    public static List<Tensor> Of(IEnumerable<Tensor> upstream, params Tensor?[] gradients)
    {
        LetGo();
        foreach (Tensor tensor in upstream)
            tensor.Dispose();
        _last = [.. gradients.OfType<Tensor>().Distinct(ReferenceEqualityComparer.Instance).Cast<Tensor>()];
        foreach (Tensor gradient in _last)
            gradient.MoveToOuterDisposeScope();
        return [.. gradients.Select(gradient => gradient!)];
    }

    /// <summary>Lets the gradients of the last call go; autograd has fetched them.</summary>
    public static void LetGo()
    {
        foreach (Tensor gradient in _last ?? [])
            gradient.Dispose();
        _last = null;
    }
}
