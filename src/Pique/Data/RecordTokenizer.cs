using Pique.Formats;

namespace Pique.Data;

/// <summary>Turns records into token ids, loss masks and reasoning spans.</summary>
/// <remarks>
/// Prompt and response are encoded separately, so the tokens before the response are exactly those of <see cref="EncodePrompt"/>,
/// from which generation starts. Running text: every token is trained. Problems and tool calls: the response and the end token are.
/// A character of running text that the vocabulary lacks stays as the unknown token and is masked out of the loss.
/// </remarks>
public sealed class RecordTokenizer
{
    private readonly ITextTokenizer _tokenizer;

    /// <summary>Creates the tokenizer of records.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="contextTokens">Tokens the model sees at once; at least 2.</param>
    /// <exception cref="InputException">The context is shorter than 2 tokens.</exception>
    public RecordTokenizer(ITextTokenizer tokenizer, int contextTokens)
    {
        if (contextTokens < 2)
        {
            throw new InputException($"context: found {contextTokens} tokens, expected at least 2.");
        }

        _tokenizer = tokenizer;
        ContextTokens = contextTokens;
    }

    /// <summary>Tokens the model sees at once.</summary>
    public int ContextTokens { get; }

    /// <summary>Tokens that generation starts from: the begin token, where there is one, and the prompt with its line end.</summary>
    /// <param name="record">A problem or a tool call.</param>
    /// <exception cref="ArgumentException">The record is running text.</exception>
    /// <exception cref="InputException">The prompt has a character that the vocabulary lacks.</exception>
    public IReadOnlyList<int> EncodePrompt(SourcedRecord record)
    {
        string prompt = RecordTemplate.Prompt(record.Record)
            ?? throw new ArgumentException("Running text has no prompt.", nameof(record));
        List<int> tokens = [];
        if (_tokenizer.BeginOfTextId is int begin)
        {
            tokens.Add(begin);
        }

        tokens.AddRange(Encode(record, prompt, continuation: false));
        return tokens;
    }

    /// <summary>Encodes a record.</summary>
    /// <param name="record">The record.</param>
    /// <exception cref="InputException">The record is longer than the context and may not be cut, or its prompt or response has a
    /// character that the vocabulary lacks.</exception>
    public TokenizedRecord Tokenize(SourcedRecord record)
    {
        List<int> tokens = [];
        List<ReasoningSpan> spans = [];
        bool isText = record.Record is DataRecord.Text;
        if (isText)
        {
            if (_tokenizer.BeginOfTextId is int begin)
            {
                tokens.Add(begin);
            }
        }
        else
        {
            tokens.AddRange(EncodePrompt(record));
        }

        int firstTrained = Math.Max(1, tokens.Count);
        bool continuation = !isText;
        foreach ((string text, ReasoningSpanKind? kind) in RecordTemplate.ResponseSegments(record.Record))
        {
            IReadOnlyList<int> segment = Encode(record, text, continuation);
            if (kind is ReasoningSpanKind known && segment.Count > 0)
            {
                spans.Add(new ReasoningSpan(tokens.Count, segment.Count, known));
            }

            tokens.AddRange(segment);
            continuation = true;
        }

        if (_tokenizer.EndOfTextId is int end)
        {
            tokens.Add(end);
        }

        if (tokens.Count > ContextTokens && !record.MayBeCut)
        {
            throw TooLong(record.Origin, tokens.Count, ContextTokens);
        }

        bool[] lossMask = new bool[tokens.Count];
        for (int position = firstTrained; position < lossMask.Length; position++)
        {
            lossMask[position] = tokens[position] != _tokenizer.UnknownId;
        }

        return new TokenizedRecord(tokens.ToArray(), lossMask, spans, record.Record.Domain, record.Origin, record.MayBeCut);
    }

    /// <summary>Encodes records one by one, as they are asked for.</summary>
    /// <param name="records">The records.</param>
    public IEnumerable<TokenizedRecord> Tokenize(IEnumerable<SourcedRecord> records) => records.Select(Tokenize);

    internal static InputException TooLong(string origin, int foundTokens, int contextTokens) => new(
        $"{origin}: the record has {foundTokens} tokens, the context holds {contextTokens}; shorten or split the record, raise context_tokens, or put running text into a .txt file, which is cut to fit.");

    private IReadOnlyList<int> Encode(SourcedRecord record, string text, bool continuation)
    {
        IReadOnlyList<int> tokens;
        try
        {
            tokens = _tokenizer.Encode(text, continuation);
        }
        catch (InputException error)
        {
            throw new InputException($"{record.Origin}: {error.Message}", error);
        }

        if (record.Record is not DataRecord.Text && _tokenizer.UnknownId is int unknown && tokens.Contains(unknown))
        {
            throw new InputException(
                $"{record.Origin}: \"{Shorten(text)}\" has a character that the vocabulary lacks; write it with characters that the tokenizer knows.");
        }

        return tokens;
    }

    private static string Shorten(string text)
    {
        const int longest = 60;
        string line = text.TrimEnd('\n');
        return line.Length <= longest ? line : line[..longest] + "…";
    }
}
