namespace Pique.Formats.Tokenizers;

/// <summary>
/// Trains byte-level byte-pair encoding: starting from bytes, joins the most frequent neighbouring pair of tokens again
/// and again until the vocabulary is full. Words are cut as SmolLM cuts them (each numeral by itself, then GPT-2's pattern),
/// and no merge crosses a word's end.
/// </summary>
/// <remarks>
/// Sennrich et al. 2016, arXiv:1508.07909, section 3.2. Of equally frequent pairs the one with the smaller left id, then the
/// smaller right id, is joined, so that the same texts give the same vocabulary on every machine.
/// </remarks>
public static class BytePairTrainer
{
    /// <summary>A pair seen fewer times than this is not worth a token.</summary>
    public const long MinimumPairCount = 2;

    /// <summary>Smallest possible vocabulary: the special tokens and the bytes.</summary>
    public const int MinimumVocabularySize = 3 + 256;

    /// <summary>Trains a vocabulary.</summary>
    /// <param name="texts">Texts to learn from.</param>
    /// <param name="vocabularySize">Number of token ids wanted. Fewer come out where no pair occurs <see cref="MinimumPairCount"/> times any more.</param>
    /// <exception cref="InputException">The vocabulary is too small to hold every byte.</exception>
    public static BytePairVocabulary Train(IEnumerable<string> texts, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(texts);
        if (vocabularySize < MinimumVocabularySize)
        {
            throw new InputException(
                $"vocabulary_size: {vocabularySize} is too small; 3 special tokens and 256 bytes need at least {MinimumVocabularySize}.");
        }

        string[] specialTokens = [BytePairVocabulary.BeginOfText, BytePairVocabulary.EndOfText, BytePairVocabulary.Padding];
        List<string> tokens = [.. specialTokens, .. ByteLevelAlphabet.Characters.Select(character => character.ToString())];
        PairCounts pairs = new(CountWords(texts, tokens, specialTokens.Length));
        List<(string Left, string Right)> merges = [];
        HashSet<(int, int)> merged = [];
        // Two pairs may spell the same token ("a"+"aa", "aa"+"a"). It keeps one id and both merges lead to it, so that a pair
        // merged before may come up again.
        Dictionary<string, int> ids = tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);
        while (tokens.Count < vocabularySize && pairs.TryTakeMostFrequent(MinimumPairCount, out (int Left, int Right) pair))
        {
            string joined = tokens[pair.Left] + tokens[pair.Right];
            if (!ids.TryGetValue(joined, out int id))
            {
                id = tokens.Count;
                ids.Add(joined, id);
                tokens.Add(joined);
            }
            if (merged.Add(pair))
                merges.Add((tokens[pair.Left], tokens[pair.Right]));
            pairs.Merge(pair, id);
        }
        return new BytePairVocabulary(specialTokens, merges, tokens);
    }

    private static List<(List<int> Symbols, long Count)> CountWords(IEnumerable<string> texts, List<string> tokens, int firstByteId)
    {
        SequenceSplitter splitter = new([new DigitSplitter(individual: true), new ByteLevelSplitter(addPrefixSpace: false, splitWords: true)]);
        Dictionary<string, long> counts = new(StringComparer.Ordinal);
        foreach (string text in texts.Where(text => text.Length > 0))
        {
            foreach (string word in splitter.Split(text, PiecePosition.First))
                counts[word] = counts.GetValueOrDefault(word) + 1;
        }
        Dictionary<char, int> idOfCharacter = [];
        for (int id = firstByteId; id < tokens.Count; id++)
            idOfCharacter.Add(tokens[id][0], id);
        return [.. counts.Select(entry => (entry.Key.Select(character => idOfCharacter[character]).ToList(), entry.Value))];
    }
}
