using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pique.Numerics.Kernels;

/// <summary>The memory of a tensor, for kernels.</summary>
internal static unsafe class TensorPointer
{
    /// <summary>Whether kernels can read the tensor: on the CPU, contiguous, float32.</summary>
    public static bool IsAccessible(Tensor tensor) =>
        tensor.device_type == TorchSharp.DeviceType.CPU && tensor.dtype == ScalarType.Float32 && tensor.is_contiguous();

    /// <summary>Address of the first value; valid while the tensor lives.</summary>
    /// <param name="tensor">Contiguous, on the CPU, float32.</param>
    /// <exception cref="ArgumentException">The tensor's memory is not such.</exception>
    public static float* Of(Tensor tensor) => Of<float>(tensor);

    /// <summary>Address of the first value; valid while the tensor lives.</summary>
    /// <param name="tensor">Contiguous, on the CPU, of float32 or float64 as <typeparamref name="T"/> says.</param>
    public static T* Of<T>(Tensor tensor) where T : unmanaged
    {
        ScalarType expected = typeof(T) == typeof(double) ? ScalarType.Float64 : ScalarType.Float32;
        if (tensor.device_type != TorchSharp.DeviceType.CPU || tensor.dtype != expected || !tensor.is_contiguous())
            throw new ArgumentException($"Found {tensor.dtype} on {tensor.device_type}{(tensor.is_contiguous() ? "" : ", not contiguous")}, expected contiguous {expected} on the CPU.", nameof(tensor));
        return tensor.numel() == 0 ? null : (T*)tensor.storage<T>().data_ptr() + tensor.storage_offset();
    }

    /// <summary>Address of the first value of a tensor that may have gaps; valid while the tensor lives.</summary>
    /// <param name="tensor">On the CPU, float32; values of the last dimension lie side by side.</param>
    /// <exception cref="ArgumentException">The tensor's memory is not such.</exception>
    public static float* OfRows(Tensor tensor)
    {
        if (tensor.device_type != TorchSharp.DeviceType.CPU || tensor.dtype != ScalarType.Float32 || tensor.stride(-1) != 1)
            throw new ArgumentException($"Found {tensor.dtype} on {tensor.device_type}, last stride {tensor.stride(-1)}, expected Float32 on the CPU, last stride 1.", nameof(tensor));
        return tensor.numel() == 0 ? null : (float*)tensor.storage<float>().data_ptr() + tensor.storage_offset();
    }

    /// <summary>Address of the first value of an integer tensor; valid while the tensor lives.</summary>
    /// <param name="tensor">Contiguous, on the CPU, int32, not empty.</param>
    /// <exception cref="ArgumentException">The tensor's memory is not such.</exception>
    public static int* OfInt32(Tensor tensor)
    {
        if (tensor.device_type != TorchSharp.DeviceType.CPU || tensor.dtype != ScalarType.Int32 || !tensor.is_contiguous())
            throw new ArgumentException($"Found {tensor.dtype} on {tensor.device_type}{(tensor.is_contiguous() ? "" : ", not contiguous")}, expected contiguous Int32 on the CPU.", nameof(tensor));
        return (int*)tensor.storage<int>().data_ptr() + tensor.storage_offset();
    }

    /// <summary>Address of the first code; valid while the tensor lives.</summary>
    /// <param name="codes">Contiguous, on the CPU, uint8, not empty.</param>
    /// <exception cref="ArgumentException">The tensor's memory is not such.</exception>
    public static byte* OfCodes(Tensor codes)
    {
        if (codes.device_type != TorchSharp.DeviceType.CPU || codes.dtype != ScalarType.Byte || !codes.is_contiguous())
            throw new ArgumentException($"Found {codes.dtype} on {codes.device_type}{(codes.is_contiguous() ? "" : ", not contiguous")}, expected contiguous {ScalarType.Byte} on the CPU.", nameof(codes));
        return (byte*)codes.storage<byte>().data_ptr() + codes.storage_offset();
    }

    /// <summary>Address of the first value of an output.</summary>
    /// <param name="output">Contiguous, on the CPU, float32 or bfloat16.</param>
    public static byte* OfOutput(Tensor output)
    {
        if (output.dtype != ScalarType.BFloat16)
            return (byte*)Of(output);
        if (output.numel() == 0)
            return null;

        // A storage of another type than the tensor's would be a converted copy.
        using Tensor first = output.view(-1).narrow(0, 0, 1);
        return (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }
}
