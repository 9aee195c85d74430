using System.Runtime.InteropServices;

namespace Pique.Benchmarks;

/// <summary>Memory aligned to a page, touched once.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    public NativeBuffer(long bytes)
    {
        Pointer = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        NativeMemory.Clear(Pointer, (nuint)bytes);
    }

    public byte* Pointer { get; }

    public void Dispose() => NativeMemory.AlignedFree(Pointer);
}
