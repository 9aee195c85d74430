namespace Pique.Models.Generation;

/// <summary>One sequence while it is being written.</summary>
internal sealed class GenerationRow
{
    private readonly List<int> _tokenIds = [];
    private readonly GenerationOptions _options;
    private readonly Random _stream;
    private readonly int _contextRoom;

    public GenerationRow(int promptTokens, int index, GenerationOptions options, int contextTokens)
    {
        _options = options;
        _stream = TokenSampler.CreateStream(options.Seed, index);
        _contextRoom = contextTokens - promptTokens;
    }

    /// <summary>Why the row ended; null while it goes on.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>The last token written.</summary>
    public int LastToken => _tokenIds[^1];

    /// <summary>The finished sequence.</summary>
    public GeneratedSequence Sequence => new(_tokenIds, FinishReason!.Value);

    /// <summary>Chooses the next token and decides whether the row ends.</summary>
    /// <param name="logits">Logits after the row's last token.</param>
    /// <returns>Whether a token was written; false at a stop token.</returns>
    public bool Accept(ReadOnlySpan<float> logits)
    {
        int token = TokenSampler.Sample(logits, _options, _stream);
        if (_options.StopIds.Contains(token))
        {
            FinishReason = Generation.FinishReason.StopToken;
            return false;
        }

        _tokenIds.Add(token);
        if (_tokenIds.Count == _options.MaxTokens)
            FinishReason = Generation.FinishReason.MaxTokens;
        else if (_tokenIds.Count == _contextRoom)
            FinishReason = Generation.FinishReason.ContextFull;
        return true;
    }
}
