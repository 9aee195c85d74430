namespace Pique.Numerics.Kernels;

/// <summary>A ggml block format: so many weights with their scales in so many bytes. See docs/math.md §9.</summary>
/// <remarks>Both forms do the float operations of ggml's reference in its order, so that weights agree with it bit for bit.</remarks>
internal unsafe interface IBlockFormat
{
    /// <summary>Name of the ggml type.</summary>
    static abstract string Name { get; }

    /// <summary>Weights of a block.</summary>
    static abstract int Weights { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads a block, one weight at a time: the reference.</summary>
    /// <param name="block">The block.</param>
    /// <param name="output">Receives its weights.</param>
    static abstract void Dequantize(byte* block, float* output);

    /// <summary>Reads a block, sixteen weights at a time.</summary>
    /// <param name="block">The block.</param>
    /// <param name="output">Receives its weights.</param>
    static abstract void Dequantize<TLanes, TStores>(byte* block, float* output) where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores;
}
