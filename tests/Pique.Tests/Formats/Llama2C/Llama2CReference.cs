using Pique.Models.Llama;

namespace Pique.Tests.Formats.Llama2C;

/// <summary>The forward pass of llama2.c's run.c, written down plainly: weights in file order, adjacent channels turned together.</summary>
internal sealed class Llama2CReference
{
    private readonly LlamaConfig _config;
    private readonly float[] _weights;
    private readonly int _keyWidth;

    public Llama2CReference(LlamaConfig config, float[] weights)
    {
        _config = config;
        _weights = weights;
        _keyWidth = config.KeyValueHeadCount * config.HeadSize;
    }

    public static int FloatCount(LlamaConfig config)
    {
        int dim = config.HiddenSize;
        int keyWidth = config.KeyValueHeadCount * config.HeadSize;
        int perLayer = (2 * dim) + (2 * dim * dim) + (2 * dim * keyWidth) + (3 * dim * config.IntermediateSize);
        return (config.VocabularySize * dim * (config.TieWordEmbeddings ? 1 : 2)) + (config.LayerCount * perLayer) + dim;
    }

    /// <summary>Logits of every position, one after another.</summary>
    public float[] Logits(int[] tokens)
    {
        int dim = _config.HiddenSize, hidden = _config.IntermediateSize, layers = _config.LayerCount;
        int offset = 0;
        int embedding = Take(_config.VocabularySize * dim);
        int attentionNorm = Take(layers * dim);
        int wq = Take(layers * dim * dim);
        int wk = Take(layers * dim * _keyWidth);
        int wv = Take(layers * dim * _keyWidth);
        int wo = Take(layers * dim * dim);
        int feedForwardNorm = Take(layers * dim);
        int w1 = Take(layers * dim * hidden);
        int w2 = Take(layers * dim * hidden);
        int w3 = Take(layers * dim * hidden);
        int finalNorm = Take(dim);
        int head = _config.TieWordEmbeddings ? embedding : Take(_config.VocabularySize * dim);

        List<double[]>[] keys = [.. Enumerable.Range(0, layers).Select(_ => new List<double[]>())];
        List<double[]>[] values = [.. Enumerable.Range(0, layers).Select(_ => new List<double[]>())];
        List<float> logits = [];
        for (int position = 0; position < tokens.Length; position++)
        {
            double[] x = [.. _weights.AsSpan(embedding + (tokens[position] * dim), dim).ToArray()];
            for (int layer = 0; layer < layers; layer++)
            {
                double[] normed = Norm(x, attentionNorm + (layer * dim));
                double[] query = Rotate(Multiply(wq + (layer * dim * dim), normed, dim), position);
                keys[layer].Add(Rotate(Multiply(wk + (layer * dim * _keyWidth), normed, _keyWidth), position));
                values[layer].Add(Multiply(wv + (layer * dim * _keyWidth), normed, _keyWidth));
                x = Add(x, Multiply(wo + (layer * dim * dim), Attend(query, keys[layer], values[layer]), dim));
                normed = Norm(x, feedForwardNorm + (layer * dim));
                double[] gate = Multiply(w1 + (layer * dim * hidden), normed, hidden);
                double[] up = Multiply(w3 + (layer * dim * hidden), normed, hidden);
                double[] gated = [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)];
                x = Add(x, Multiply(w2 + (layer * dim * hidden), gated, dim));
            }

            logits.AddRange(Multiply(head, Norm(x, finalNorm), _config.VocabularySize).Select(logit => (float)logit));
        }

        return [.. logits];

        int Take(int count)
        {
            offset += count;
            return offset - count;
        }
    }

    private static double[] Add(double[] left, double[] right) => [.. left.Zip(right, (l, r) => l + r)];

    private double[] Norm(double[] x, int gain)
    {
        double inverseRms = 1 / Math.Sqrt(x.Average(value => value * value) + 1e-5);
        return [.. x.Select((value, index) => value * inverseRms * _weights[gain + index])];
    }

    private double[] Multiply(int matrix, double[] x, int rows) =>
        [.. Enumerable.Range(0, rows).Select(row => x.Select((value, column) => value * _weights[matrix + (row * x.Length) + column]).Sum())];

    private double[] Rotate(double[] x, int position)
    {
        double[] turned = new double[x.Length];
        for (int channel = 0; channel < x.Length; channel += 2)
        {
            double angle = position * Math.Pow(10000, -(double)(channel % _config.HeadSize) / _config.HeadSize);
            turned[channel] = (x[channel] * Math.Cos(angle)) - (x[channel + 1] * Math.Sin(angle));
            turned[channel + 1] = (x[channel] * Math.Sin(angle)) + (x[channel + 1] * Math.Cos(angle));
        }

        return turned;
    }

    private double[] Attend(double[] query, List<double[]> keys, List<double[]> values)
    {
        int width = _config.HeadSize;
        double[] mixed = new double[query.Length];
        for (int head = 0; head < _config.HeadCount; head++)
        {
            int source = head / (_config.HeadCount / _config.KeyValueHeadCount) * width;
            double[] scores = [.. keys.Select(key => Math.Exp(Enumerable.Range(0, width).Sum(channel => query[(head * width) + channel] * key[source + channel]) / Math.Sqrt(width)))];
            double total = scores.Sum();
            for (int channel = 0; channel < width; channel++)
                mixed[(head * width) + channel] = values.Select((value, index) => scores[index] / total * value[source + channel]).Sum();
        }

        return mixed;
    }
}
