using Pique.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>The peer: the same model as one writes it with plain TorchSharp operations, its weights fake-quantized per row by the detach trick, logits whole.</summary>
internal sealed class CompositeLlama : nn.Module
{
    private readonly Matrix _embedding;
    private readonly Parameter _lastGain;
    private readonly Block[] _blocks;
    private readonly Tensor _cos;
    private readonly Tensor _sin;
    private readonly Tensor _targets;
    private readonly Tensor _inputs;

    /// <param name="shape">Shape of the model.</param>
    /// <param name="quantized">Whether weights are fake-quantized: 3 bits, the embedding that is also the head 8.</param>
    public CompositeLlama(TrainingShape shape, bool quantized) : base(nameof(CompositeLlama))
    {
        const int HeadSize = TrainingShape.Hidden / TrainingShape.Heads;
        _embedding = new(shape.Vocabulary, TrainingShape.Hidden, quantized ? 8 : null);
        _lastGain = new Parameter(ones(TrainingShape.Hidden));
        _blocks = [.. Enumerable.Range(0, TrainingShape.Layers).Select(_ => new Block(quantized ? 3 : null))];
        register_module("embedding", _embedding);
        register_parameter("last_gain", _lastGain);
        for (int i = 0; i < _blocks.Length; i++)
            register_module($"block{i}", _blocks[i]);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable guard = no_grad();
        Tensor frequency = tensor(Enumerable.Range(0, HeadSize / 2).Select(i => (float)Math.Pow(10000, -2.0 * i / HeadSize)).ToArray());
        Tensor angle = outer(arange(HeldScalar.Of(TrainingShape.Tokens)).to(ScalarType.Float32), frequency);
        _cos = cat([angle.cos(), angle.cos()], -1).DetachFromDisposeScope();
        _sin = cat([angle.sin(), angle.sin()], -1).DetachFromDisposeScope();
        using Data.TokenBatch batch = shape.RandomBatch();
        _inputs = batch.Inputs.clone().DetachFromDisposeScope();
        _targets = batch.Targets.reshape(-1).clone().DetachFromDisposeScope();
    }

    /// <summary>Cross-entropy, and with a teacher T²·KL as well, weighted as PiQ3 weighs them.</summary>
    /// <param name="teacher">The teacher, or null.</param>
    public Tensor Loss(CompositeLlama? teacher)
    {
        const double Temperature = 3, DistillationWeight = 0.5;
        Tensor logits = Logits();
        Tensor loss = nn.functional.nll_loss(logits.log_softmax(-1), _targets);
        if (teacher is null)
            return loss;
        Tensor teacherLogits;
        using (no_grad())
            teacherLogits = teacher.Logits();
        Tensor student = logits.div(HeldScalar.Of(Temperature)).log_softmax(-1), target = teacherLogits.div(HeldScalar.Of(Temperature)).log_softmax(-1);
        Tensor divergence = target.exp().mul(target.sub(student)).sum(-1).mean();
        return loss.add(divergence, HeldScalar.Of(DistillationWeight * Temperature * Temperature));
    }

    private Tensor Logits()
    {
        Tensor embedding = _embedding.Effective();
        Tensor stream = embedding.index_select(0, _inputs.view(-1)).view(TrainingShape.Batch, TrainingShape.Tokens, -1);
        foreach (Block block in _blocks)
            stream = block.Advance(stream, _cos, _sin);
        return nn.functional.linear(Normalized(stream, _lastGain), embedding).view(-1, embedding.shape[0]);
    }

    private static Tensor Normalized(Tensor stream, Tensor gain) =>
        stream.mul(stream.pow(HeldScalar.Of(2)).mean([-1], keepdim: true).add(HeldScalar.Of(1e-5), HeldScalar.Of(1)).rsqrt()).mul(gain);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (Tensor buffer in (Tensor[])[_cos, _sin, _inputs, _targets])
                buffer.Dispose();
        }

        base.Dispose(disposing);
    }

    private sealed class Matrix : nn.Module
    {
        private readonly Parameter _weight;
        private readonly Parameter? _scale;
        private readonly int _highest;

        public Matrix(long rows, long columns, int? bits) : base(nameof(Matrix))
        {
            using Generator generator = new(1);
            _weight = new Parameter(randn([rows, columns], generator: generator).mul_(HeldScalar.Of(0.02)));
            register_parameter("weight", _weight);
            if (bits is { } count)
            {
                _highest = (1 << (count - 1)) - 1;
                using (no_grad())
                    _scale = new Parameter(_weight.abs().mean([1], keepdim: true).mul_(HeldScalar.Of(2 / Math.Sqrt(_highest))));
                register_parameter("scale", _scale);
            }
        }

        public Tensor Effective()
        {
            if (_scale is null)
                return _weight;
            Tensor scaled = _scale.mul(HeldScalar.Of(1 / Math.Sqrt(_weight.shape[1] * (double)_highest)));
            Tensor step = scaled.add(_scale.sub(scaled).detach(), HeldScalar.Of(1));
            Tensor clamped = _weight.div(step).clamp(HeldScalar.Of(-_highest - 1), HeldScalar.Of(_highest));
            return clamped.add(clamped.round().sub(clamped).detach(), HeldScalar.Of(1)).mul(step);
        }

        public Tensor Multiply(Tensor input) => nn.functional.linear(input, Effective());
    }

    private sealed class Block : nn.Module
    {
        private readonly Matrix _query, _key, _value, _output, _gate, _up, _down;
        private readonly Parameter _attentionGain, _feedForwardGain;

        public Block(int? bits) : base(nameof(Block))
        {
            const int Width = TrainingShape.Hidden, Inner = TrainingShape.FeedForward;
            (_query, _key, _value, _output) = (new(Width, Width, bits), new(Width, Width, bits), new(Width, Width, bits), new(Width, Width, bits));
            (_gate, _up, _down) = (new(Inner, Width, bits), new(Inner, Width, bits), new(Width, Inner, bits));
            (_attentionGain, _feedForwardGain) = (new Parameter(ones(Width)), new Parameter(ones(Width)));
            RegisterComponents();
        }

        public Tensor Advance(Tensor stream, Tensor cos, Tensor sin)
        {
            Tensor input = Normalized(stream, _attentionGain);
            Tensor query = Rotated(Heads(_query.Multiply(input)), cos, sin), key = Rotated(Heads(_key.Multiply(input)), cos, sin), value = Heads(_value.Multiply(input));
            Tensor attended = nn.functional.scaled_dot_product_attention(query, key, value, is_casual: true).transpose(1, 2).reshape(stream.shape);
            stream = stream.add(_output.Multiply(attended), HeldScalar.Of(1));
            Tensor inner = Normalized(stream, _feedForwardGain);
            return stream.add(_down.Multiply(nn.functional.silu(_gate.Multiply(inner)).mul(_up.Multiply(inner))), HeldScalar.Of(1));
        }

        private static Tensor Heads(Tensor projected) => projected.view(projected.shape[0], projected.shape[1], TrainingShape.Heads, -1).transpose(1, 2);

        private static Tensor Rotated(Tensor heads, Tensor cos, Tensor sin)
        {
            Tensor[] halves = heads.chunk(2, -1);
            return heads.mul(cos).add(cat([halves[1].neg(), halves[0]], -1).mul(sin), HeldScalar.Of(1));
        }
    }
}
