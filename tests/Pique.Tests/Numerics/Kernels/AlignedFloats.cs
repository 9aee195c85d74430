using System.Runtime.InteropServices;

namespace Pique.Tests.Numerics.Kernels;

/// <summary>Memory aligned to 64 bytes, for stores past the caches.</summary>
internal sealed unsafe class AlignedFloats(int count) : IDisposable
{
    private readonly float* _first = (float*)NativeMemory.AlignedAlloc((nuint)count * sizeof(float), 64);

    public Span<float> Values => new(_first, count);

    public void Dispose() => NativeMemory.AlignedFree(_first);
}
