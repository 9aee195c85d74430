using System.Runtime.InteropServices;
using Pique.Formats.Gguf;

namespace Pique.Interop.Tests.Fixture;

/// <summary>ggml's own description and reading of its storage types.</summary>
/// <param name="libraryPath">libggml-base.so.</param>
internal sealed unsafe class GgmlBlocks(string libraryPath) : IDisposable
{
    private readonly nint _library = NativeLibrary.Load(libraryPath);

    /// <summary>ggml's name of a type's number.</summary>
    /// <param name="type">The type.</param>
    public string Name(GgufTensorType type) => Marshal.PtrToStringUTF8(((delegate* unmanaged[Cdecl]<uint, nint>)Export("ggml_type_name"))((uint)type))!;

    /// <summary>Weights of a block.</summary>
    /// <param name="type">The type.</param>
    public long BlockWeights(GgufTensorType type) => ((delegate* unmanaged[Cdecl]<uint, long>)Export("ggml_blck_size"))((uint)type);

    /// <summary>Bytes of a block.</summary>
    /// <param name="type">The type.</param>
    public long BlockBytes(GgufTensorType type) => (long)((delegate* unmanaged[Cdecl]<uint, nuint>)Export("ggml_type_size"))((uint)type);

    /// <summary>Reads whole blocks as float32.</summary>
    /// <param name="type">Any type but F32.</param>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="destination">Receives all their weights.</param>
    /// <exception cref="ArgumentException">The bytes are no whole blocks, or the destination does not hold exactly their weights.</exception>
    public void Dequantize(GgufTensorType type, ReadOnlySpan<byte> blocks, Span<float> destination)
    {
        (long blockCount, long partBytes) = Math.DivRem(blocks.Length, BlockBytes(type));
        if (partBytes != 0 || destination.Length != blockCount * BlockWeights(type))
            throw new ArgumentException($"found {blocks.Length} bytes and room for {destination.Length} weights, expected blocks of {BlockBytes(type)} bytes and {BlockWeights(type)} weights");
        string function = type is GgufTensorType.F16 or GgufTensorType.BF16
            ? $"ggml_{(type == GgufTensorType.F16 ? "fp16" : "bf16")}_to_fp32_row"
            : $"dequantize_row_{Name(type)}";
        fixed (byte* source = blocks)
        fixed (float* output = destination)
            ((delegate* unmanaged[Cdecl]<byte*, float*, long, void>)Export(function))(source, output, destination.Length);
    }

    /// <summary>Unloads the library.</summary>
    public void Dispose() => NativeLibrary.Free(_library);

    private nint Export(string function) => NativeLibrary.GetExport(_library, function);
}
