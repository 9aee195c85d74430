using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Tests.Models.Llama;

/// <summary>A Llama, or one of its relatives, written out in scalar double arithmetic straight from the papers' formulas, to compare with.</summary>
internal sealed class LlamaReference
{
    private readonly Dictionary<string, double[][]> _matrices = [];
    private readonly Dictionary<string, double[]> _vectors = [];
    private readonly LlamaConfig _config;

    public LlamaReference(LlamaModel model)
    {
        _config = model.Config;
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            float[] values = parameter.data<float>().ToArray();
            if (parameter.dim() == 1)
            {
                _vectors[name] = [.. values.Select(value => (double)value)];
                continue;
            }

            _matrices[name] = [.. values.Select(value => (double)value).Chunk((int)parameter.shape[1])];
        }
    }

    /// <summary>Logits of a row, [token][id]; a sliding window, which the model does not compute, is computed here.</summary>
    public double[][] Logits(long[] tokens)
    {
        double[][] stream = [.. tokens.Select(token => _matrices["model.embed_tokens.weight"][(int)token])];
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            int window = layer >= _config.FirstWindowedLayer ? _config.SlidingWindow ?? int.MaxValue : int.MaxValue;
            double[][] attended = Attend(Normalize(stream, prefix + "input_layernorm.weight"), prefix + "self_attn.", window);
            stream = Add(stream, attended);
            double[][] normalized = Normalize(stream, prefix + "post_attention_layernorm.weight");
            double[][] gate = Project(normalized, prefix + "mlp.gate_proj");
            double[][] up = Project(normalized, prefix + "mlp.up_proj");
            double[][] gated = [.. gate.Zip(up, (g, u) => g.Zip(u, (x, y) => x / (1 + Math.Exp(-x)) * y).ToArray())];
            stream = Add(stream, Project(gated, prefix + "mlp.down_proj"));
        }

        string head = _matrices.ContainsKey("lm_head.weight") ? "lm_head" : "model.embed_tokens";
        return Project(Normalize(stream, "model.norm.weight"), head);
    }

    /// <summary>Su et al. 2021, equation 15, with channel i paired with i + headSize/2 and frequencies scaled as the checkpoint says.</summary>
    public static double[] Rotate(double[] head, int position, double theta, RopeScaling? scaling = null)
    {
        int half = head.Length / 2;
        double[] rotated = new double[head.Length];
        for (int channel = 0; channel < half; channel++)
        {
            double angle = position * Scaled(Math.Pow(theta, -2.0 * channel / head.Length), scaling);
            rotated[channel] = head[channel] * Math.Cos(angle) - head[channel + half] * Math.Sin(angle);
            rotated[channel + half] = head[channel + half] * Math.Cos(angle) + head[channel] * Math.Sin(angle);
        }

        return rotated;
    }

    /// <summary>The three cases of the code published with Llama 3.1, told apart by wavelength.</summary>
    private static double Scaled(double frequency, RopeScaling? scaling)
    {
        if (scaling is RopeScaling.Linear linear)
            return frequency / linear.Factor;
        if (scaling is not RopeScaling.Llama3 llama3)
            return frequency;
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < llama3.OriginalContextTokens / llama3.HighFrequencyFactor)
            return frequency;
        if (wavelength > llama3.OriginalContextTokens / llama3.LowFrequencyFactor)
            return frequency / llama3.Factor;
        double smooth = (llama3.OriginalContextTokens / wavelength - llama3.LowFrequencyFactor) / (llama3.HighFrequencyFactor - llama3.LowFrequencyFactor);
        return (1 - smooth) * frequency / llama3.Factor + smooth * frequency;
    }

    private double[][] Attend(double[][] input, string prefix, int window)
    {
        double[][] queries = Project(input, prefix + "q_proj");
        double[][] keys = Project(input, prefix + "k_proj");
        double[][] values = Project(input, prefix + "v_proj");
        int size = _config.HeadSize;
        double[][] merged = [.. input.Select(_ => new double[_config.HeadCount * size])];
        for (int head = 0; head < _config.HeadCount; head++)
        {
            int shared = head / (_config.HeadCount / _config.KeyValueHeadCount);
            for (int token = 0; token < input.Length; token++)
            {
                double[] query = HeadAt(queries, token, head, "q_norm.weight");
                double[] weights = new double[token + 1];
                for (int seen = Math.Max(0, token - window + 1); seen <= token; seen++)
                {
                    double[] key = HeadAt(keys, seen, shared, "k_norm.weight");
                    weights[seen] = Math.Exp(query.Zip(key, (x, y) => x * y).Sum() / Math.Sqrt(size));
                }

                for (int seen = 0; seen <= token; seen++)
                {
                    for (int channel = 0; channel < size; channel++)
                        merged[token][head * size + channel] += weights[seen] / weights.Sum() * values[seen][shared * size + channel];
                }
            }
        }

        return Project(merged, prefix + "o_proj");

        double[] HeadAt(double[][] rows, int position, int index, string norm)
        {
            double[] channels = rows[position][(index * size)..((index + 1) * size)];
            double[] normalized = _vectors.ContainsKey(prefix + norm) ? Normalize([channels], prefix + norm)[0] : channels;
            return Rotate(normalized, position, _config.RopeTheta, _config.RopeScaling);
        }
    }

    private double[][] Normalize(double[][] stream, string gain) =>
        [.. stream.Select(row =>
        {
            double rms = Math.Sqrt(row.Sum(x => x * x) / row.Length + _config.RmsNormEpsilon);
            return row.Select((x, channel) => x / rms * _vectors[gain][channel]).ToArray();
        })];

    private double[][] Project(double[][] input, string layer)
    {
        double[][] matrix = _matrices[layer + ".weight"];
        double[] bias = _vectors.GetValueOrDefault(layer + ".bias", new double[matrix.Length]);
        return [.. input.Select(row => matrix.Select((weights, output) => weights.Zip(row, (w, x) => w * x).Sum() + bias[output]).ToArray())];
    }

    private static double[][] Add(double[][] left, double[][] right) =>
        [.. left.Zip(right, (a, b) => a.Zip(b, (x, y) => x + y).ToArray())];
}
