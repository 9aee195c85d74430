using System.Text;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Merges by score as llama.cpp does it for SentencePiece vocabularies, to find out what it will make of a text.</summary>
/// <remarks>
/// What sets it apart from SentencePiece: any token may result, a control token too, and parts need be no tokens themselves.
/// https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp, "SPM tokenizer".
/// </remarks>
internal sealed class ScoredMerging
{
    private readonly Dictionary<string, int> _ids;
    private readonly IReadOnlyList<float> _scores;

    /// <summary>Takes a vocabulary.</summary>
    /// <param name="ids">Every token to its id.</param>
    /// <param name="scores">Score of each id.</param>
    public ScoredMerging(Dictionary<string, int> ids, IReadOnlyList<float> scores)
    {
        _ids = ids;
        _scores = scores;
    }

    /// <summary>Encodes a text whose spaces are visible already.</summary>
    /// <param name="text">Text.</param>
    /// <returns>Ids, or null where llama.cpp would find no token for a character and stop.</returns>
    public List<int>? Encode(string text)
    {
        // A symbol is a stretch of the text, kept at the index of its first character: its end, or -1 where it was merged away.
        int[] ends = new int[text.Length];
        int[] previous = new int[text.Length];
        PriorityQueue<(int Left, int Right, int End), (float NegativeScore, int Left)> queue = new();
        Array.Fill(ends, -1);
        for (int start = 0, last = -1; start < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(start), out _, out int length);
            ends[start] = start + length;
            previous[start] = last;
            Enqueue(last, start);
            last = start;
            start += length;
        }

        while (queue.TryDequeue(out (int Left, int Right, int End) merge, out _))
        {
            if (ends[merge.Left] != merge.Right || ends[merge.Right] != merge.End)
                continue;
            ends[merge.Left] = merge.End;
            ends[merge.Right] = -1;
            if (merge.End < text.Length)
                previous[merge.End] = merge.Left;
            Enqueue(previous[merge.Left], merge.Left);
            Enqueue(merge.Left, merge.End);
        }

        List<int> ids = [];
        for (int start = 0; start < text.Length; start = ends[start])
        {
            if (!AddIds(text[start..ends[start]], ids))
                return null;
        }
        return ids;

        void Enqueue(int left, int right)
        {
            if (left >= 0 && right < text.Length && _ids.TryGetValue(text[left..ends[right]], out int id))
                queue.Enqueue((left, right, ends[right]), (-_scores[id], left));
        }
    }

    private bool AddIds(string symbol, List<int> ids)
    {
        if (_ids.TryGetValue(symbol, out int id))
        {
            ids.Add(id);
            return true;
        }
        foreach (byte value in Encoding.UTF8.GetBytes(symbol))
        {
            if (!_ids.TryGetValue($"<0x{value:X2}>", out id))
                return false;
            ids.Add(id);
        }
        return true;
    }
}
