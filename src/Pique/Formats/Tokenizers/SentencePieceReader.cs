namespace Pique.Formats.Tokenizers;

/// <summary>Reads a SentencePiece <c>tokenizer.model</c>.</summary>
/// <remarks>Field numbers are those of sentencepiece_model.proto. Microsoft.ML.Tokenizers reads these files too, but tells neither the types nor the scores of pieces.</remarks>
internal static class SentencePieceReader
{
    private const ulong BytePairModelType = 2;

    private static readonly string[] ModelTypes = ["(none)", "UNIGRAM", "BPE", "WORD", "CHAR"];

    /// <summary>Reads the file.</summary>
    /// <exception cref="InputException">The file is missing, malformed or of a kind that is not supported.</exception>
    public static SentencePieceModel Read(string path)
    {
        byte[] content = TokenizerFile.Read(path, TokenizerFile.MaximumBytes);
        List<(string Text, float Score, PieceType Type)> pieces = [];
        SentencePieceModel model = new(path, pieces);
        bool sawTrainer = false;
        ProtobufReader file = new(content, path);
        while (file.Read())
        {
            switch (file.Field)
            {
                case 1:
                    pieces.Add(ReadPiece(file.Bytes, path, pieces.Count));
                    break;
                case 2:
                    model = ReadTrainer(file.Bytes, model);
                    sawTrainer = true;
                    break;
                case 3:
                    model = ReadNormalizer(file.Bytes, model);
                    break;
            }
        }
        if (pieces.Count == 0 || !sawTrainer)
            throw new InputException($"{path}: no SentencePiece model: {pieces.Count} pieces and {(sawTrainer ? "a" : "no")} trainer description found; fetch the file again.");
        return model;
    }

    private static (string Text, float Score, PieceType Type) ReadPiece(ReadOnlySpan<byte> message, string path, int id)
    {
        string text = string.Empty;
        float score = 0;
        ulong type = (ulong)PieceType.Normal;
        ProtobufReader fields = new(message, path);
        while (fields.Read())
        {
            switch (fields.Field)
            {
                case 1:
                    text = fields.Text();
                    break;
                case 2:
                    score = fields.Single();
                    break;
                case 3:
                    type = fields.Number;
                    break;
            }
        }
        if (text.Length == 0 || !float.IsFinite(score) || type is < 1 or > 6)
            throw new InputException($"{path}: piece {id} has text \"{text}\", score {score} and type {type}; expected text, a finite score and a type of 1 to 6. Fetch the file again.");
        if (type == (ulong)PieceType.Unused)
            throw new InputException($"{path}: piece {id} \"{text}\" is of type UNUSED, which is not supported; supported: NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE.");
        return (text, score, (PieceType)type);
    }

    private static SentencePieceModel ReadTrainer(ReadOnlySpan<byte> message, SentencePieceModel model)
    {
        ulong modelType = 1;
        ProtobufReader fields = new(message, model.File);
        while (fields.Read())
        {
            switch (fields.Field)
            {
                case 3:
                    modelType = fields.Number;
                    break;
                case 24 when fields.Flag:
                    throw new InputException($"{model.File}: trainer_spec.treat_whitespace_as_suffix is true; only false is supported.");
                case 35:
                    model = model with { ByteFallback = fields.Flag };
                    break;
                case 40:
                    model = model with { UnknownId = (int)fields.Number };
                    break;
                case 41:
                    model = model with { BeginId = OptionalId(fields.Number) };
                    break;
                case 42:
                    model = model with { EndId = OptionalId(fields.Number) };
                    break;
            }
        }
        if (modelType != BytePairModelType)
        {
            string found = modelType < (ulong)ModelTypes.Length ? ModelTypes[modelType] : modelType.ToString(System.Globalization.CultureInfo.InvariantCulture);
            throw new InputException($"{model.File}: trainer_spec.model_type {found} is not supported; supported: BPE.");
        }
        return model;
    }

    /// <summary>An id, or null where it is -1.</summary>
    private static int? OptionalId(ulong number) => (int)number < 0 ? null : (int)number;

    private static SentencePieceModel ReadNormalizer(ReadOnlySpan<byte> message, SentencePieceModel model)
    {
        string name = string.Empty;
        ProtobufReader fields = new(message, model.File);
        while (fields.Read())
        {
            switch (fields.Field)
            {
                case 1:
                    name = fields.Text();
                    break;
                case 2 when !fields.Bytes.IsEmpty:
                    throw new InputException($"{model.File}: normalizer_spec \"{name}\" rewrites characters by a table, which is not supported; supported: identity.");
                case 3:
                    model = model with { AddDummyPrefix = fields.Flag };
                    break;
                case 4:
                    model = model with { RemoveExtraSpaces = fields.Flag };
                    break;
                case 5 when !fields.Flag:
                    throw new InputException($"{model.File}: normalizer_spec.escape_whitespaces is false; only true is supported.");
            }
        }
        return model;
    }
}
