using Pique.Models.Llama;

namespace Pique.Tests.Models.Llama;

/// <summary>A Llama written out in scalar double arithmetic straight from the papers' formulas, to compare with.</summary>
internal sealed class LlamaReference
{
    private readonly Dictionary<string, double[,]> _matrices = [];
    private readonly Dictionary<string, double[]> _gains = [];
    private readonly LlamaConfig _config;

    public LlamaReference(LlamaModel model)
    {
        _config = model.Config;
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            float[] values = parameter.data<float>().ToArray();
            if (parameter.dim() == 1)
            {
                _gains[name] = [.. values.Select(value => (double)value)];
                continue;
            }

            double[,] matrix = new double[parameter.shape[0], parameter.shape[1]];
            for (int index = 0; index < values.Length; index++)
                matrix[index / matrix.GetLength(1), index % matrix.GetLength(1)] = values[index];
            _matrices[name] = matrix;
        }
    }

    /// <summary>Logits of a row, [token][id].</summary>
    public double[][] Logits(long[] tokens)
    {
        double[][] stream = [.. tokens.Select(token => Row(_matrices["model.embed_tokens.weight"], (int)token))];
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            double[][] attended = Attend(Normalize(stream, prefix + "input_layernorm.weight"), prefix + "self_attn.");
            stream = Add(stream, attended);
            double[][] normalized = Normalize(stream, prefix + "post_attention_layernorm.weight");
            double[][] gate = Project(normalized, prefix + "mlp.gate_proj.weight");
            double[][] up = Project(normalized, prefix + "mlp.up_proj.weight");
            double[][] gated = [.. gate.Zip(up, (g, u) => g.Zip(u, (x, y) => x / (1 + Math.Exp(-x)) * y).ToArray())];
            stream = Add(stream, Project(gated, prefix + "mlp.down_proj.weight"));
        }

        string head = _matrices.ContainsKey("lm_head.weight") ? "lm_head.weight" : "model.embed_tokens.weight";
        return Project(Normalize(stream, "model.norm.weight"), head);
    }

    /// <summary>Su et al. 2021, equation 15, with channel i paired with i + headSize/2.</summary>
    public static double[] Rotate(double[] head, int position, double theta)
    {
        int half = head.Length / 2;
        double[] rotated = new double[head.Length];
        for (int channel = 0; channel < half; channel++)
        {
            double angle = position * Math.Pow(theta, -2.0 * channel / head.Length);
            rotated[channel] = head[channel] * Math.Cos(angle) - head[channel + half] * Math.Sin(angle);
            rotated[channel + half] = head[channel + half] * Math.Cos(angle) + head[channel] * Math.Sin(angle);
        }

        return rotated;
    }

    private double[][] Attend(double[][] input, string prefix)
    {
        double[][] queries = Project(input, prefix + "q_proj.weight");
        double[][] keys = Project(input, prefix + "k_proj.weight");
        double[][] values = Project(input, prefix + "v_proj.weight");
        int size = _config.HeadSize;
        double[][] merged = [.. input.Select(_ => new double[_config.HeadCount * size])];
        for (int head = 0; head < _config.HeadCount; head++)
        {
            int shared = head / (_config.HeadCount / _config.KeyValueHeadCount);
            for (int token = 0; token < input.Length; token++)
            {
                double[] query = Rotate(queries[token][(head * size)..((head + 1) * size)], token, _config.RopeTheta);
                double[] weights = new double[token + 1];
                for (int seen = 0; seen <= token; seen++)
                {
                    double[] key = Rotate(keys[seen][(shared * size)..((shared + 1) * size)], seen, _config.RopeTheta);
                    weights[seen] = Math.Exp(query.Zip(key, (x, y) => x * y).Sum() / Math.Sqrt(size));
                }

                for (int seen = 0; seen <= token; seen++)
                {
                    for (int channel = 0; channel < size; channel++)
                        merged[token][head * size + channel] += weights[seen] / weights.Sum() * values[seen][shared * size + channel];
                }
            }
        }

        return Project(merged, prefix + "o_proj.weight");
    }

    private double[][] Normalize(double[][] stream, string gain) =>
        [.. stream.Select(row =>
        {
            double rms = Math.Sqrt(row.Sum(x => x * x) / row.Length + _config.RmsNormEpsilon);
            return row.Select((x, channel) => x / rms * _gains[gain][channel]).ToArray();
        })];

    private double[][] Project(double[][] input, string name)
    {
        double[,] matrix = _matrices[name];
        return [.. input.Select(row => Enumerable.Range(0, matrix.GetLength(0)).Select(output => Row(matrix, output).Zip(row, (w, x) => w * x).Sum()).ToArray())];
    }

    private static double[][] Add(double[][] left, double[][] right) =>
        [.. left.Zip(right, (a, b) => a.Zip(b, (x, y) => x + y).ToArray())];

    private static double[] Row(double[,] matrix, int row) =>
        [.. Enumerable.Range(0, matrix.GetLength(1)).Select(column => matrix[row, column])];
}
