using Pique.Models.Families;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models.Llama;

/// <summary>Rotates pairs of a head's channels by angles proportional to the token's position; channel i is paired with i + headSize/2, as in Hugging Face checkpoints.</summary>
/// <remarks>RoFormer, Su et al. 2021, arXiv:2104.09864, section 3.2. Tables are made in float64, for as many positions as were asked for, doubling up to the context: a long context that is never used costs nothing. Scores depend on distances between positions only, so all rows of a left-padded batch may count positions from their first column.</remarks>
internal sealed class RotaryEmbedding : IDisposable
{
    private const int FirstPositionCount = 1024;

    private readonly int _headSize;
    private readonly float _theta;
    private readonly int _contextTokens;
    private readonly RopeScaling? _scaling;
    private int _positionCount;
    private Tensor? _cos;
    private Tensor? _signedSin;

    /// <summary>Describes the rotation; makes no tables yet.</summary>
    /// <param name="headSize">Width of a head.</param>
    /// <param name="theta">Base of the frequencies theta^(−2i/headSize).</param>
    /// <param name="contextTokens">Positions the model was made for; tables grow no further unless asked to.</param>
    /// <param name="scaling">What the frequencies are divided by; null for nothing.</param>
    public RotaryEmbedding(int headSize, float theta, int contextTokens, RopeScaling? scaling = null)
    {
        _headSize = headSize;
        _theta = theta;
        _contextTokens = contextTokens;
        _scaling = scaling;
    }

    /// <summary>Tables for a run of positions.</summary>
    /// <param name="firstPosition">Position of the first token.</param>
    /// <param name="tokenCount">Number of tokens.</param>
    /// <param name="device">Device of the tensors to rotate.</param>
    /// <returns>cos, and sin with its first half negated; each [tokens, 1, headSize], float32, views owned by the caller's scope.</returns>
    public (Tensor Cos, Tensor SignedSin) Tables(int firstPosition, int tokenCount, Device device)
    {
        int needed = firstPosition + tokenCount;
        if (_cos is null || needed > _positionCount || _cos.device_type != device.type || _cos.device_index != device.index)
        {
            int most = needed <= _contextTokens ? _contextTokens : Array.MaxLength;
            _positionCount = Math.Max(needed, (int)Math.Min(Math.Max(FirstPositionCount, 2L * _positionCount), most));
            Build(device);
        }

        return (_cos!.narrow(0, firstPosition, tokenCount), _signedSin!.narrow(0, firstPosition, tokenCount));
    }

    /// <summary>Rotates queries or keys.</summary>
    /// <param name="heads">Shape [batch, tokens, heads, headSize].</param>
    /// <param name="tables">What <see cref="Tables"/> gave for the same tokens.</param>
    /// <param name="overwrites">Whether the heads are freshly made and read by nothing else, so that they may be overwritten.</param>
    /// <returns>Same shape.</returns>
    public static Tensor Apply(Tensor heads, (Tensor Cos, Tensor SignedSin) tables, bool overwrites = false)
    {
        if (!RotaryHeads.Takes(heads, tables))
            return PlainLayers.Rotate(heads, tables);
        if (is_grad_enabled() && heads.requires_grad)
            return RotaryFunction.Compute(heads, tables, overwrites);
        Tensor output = overwrites ? heads : empty_like(heads);
        RotaryHeads.Rotate(heads, tables, back: false, output);
        return output;
    }

    public void Dispose()
    {
        _cos?.Dispose();
        _signedSin?.Dispose();
        _cos = _signedSin = null;
    }

    private void Build(Device device)
    {
        Dispose();
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor channel = arange(HeldScalar.Of(0), HeldScalar.Of(_headSize), HeldScalar.Of(2), dtype: ScalarType.Float64, device: device);
        Tensor frequency = channel.div(HeldScalar.Of(_headSize)).mul(HeldScalar.Of(-Math.Log(_theta))).exp();
        if (_scaling is not null)
            frequency = frequency.div(tensor(_scaling.FrequencyDivisors(_headSize, _theta), ScalarType.Float64, device: device));
        Tensor position = arange(HeldScalar.Of(_positionCount), dtype: ScalarType.Float64, device: device);
        Tensor angle = position.unsqueeze(1).mul(frequency).unsqueeze(1); // [positions, 1, headSize/2]
        Tensor cos = angle.cos();
        Tensor sin = angle.sin();
        _cos = cat([cos, cos], -1).to(ScalarType.Float32).DetachFromDisposeScope();
        _signedSin = cat([sin.neg(), sin], -1).to(ScalarType.Float32).DetachFromDisposeScope();
    }
}
