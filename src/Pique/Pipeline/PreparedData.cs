using System.Text;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;

namespace Pique.Pipeline;

/// <summary>The training and held-out data of a recipe, read, divided, tokenized and packed.</summary>
public sealed class PreparedData
{
    /// <summary>Tokens in a batch of the held-out measurement; no effect on the result beyond the order of additions.</summary>
    private const int EvaluationBatchTokens = 4096;

    private PreparedData(PackedDataset train, PackedDataset heldOut, IReadOnlyList<SourcedRecord> heldOutRecords)
    {
        Train = train;
        HeldOut = heldOut;
        HeldOutRecords = heldOutRecords;
        HeldOutBytes = heldOutRecords.Sum(record => (long)Encoding.UTF8.GetByteCount(RecordTemplate.Response(record.Record)));
    }

    /// <summary>Training rows, shuffled anew each epoch.</summary>
    public PackedDataset Train { get; }

    /// <summary>Held-out rows, in order.</summary>
    public PackedDataset HeldOut { get; }

    /// <summary>Held-out records, for the measures that generate.</summary>
    public IReadOnlyList<SourcedRecord> HeldOutRecords { get; }

    /// <summary>UTF-8 bytes of the held-out text whose tokens are trained: all of running text, the response of problems and tool calls.</summary>
    public long HeldOutBytes { get; }

    /// <summary>Reads the records of a recipe and divides them.</summary>
    /// <param name="recipe">Files and curriculum.</param>
    /// <exception cref="InputException">A file cannot be read, or nothing is left to train on or to hold out.</exception>
    public static HeldOutSplit Divide(DataRecipe recipe)
    {
        List<SourcedRecord> train = [];
        List<SourcedRecord> heldOut = [];
        if (recipe.Files.Count > 0)
        {
            List<SourcedRecord> records = [.. recipe.Files.SelectMany(file => RecordReader.Read(file.Path, file.Domain))];
            HeldOutSplit split = HeldOutSplit.Divide(records, recipe.HeldOutShare);
            train.AddRange(split.Train);
            heldOut.AddRange(split.HeldOut);
        }

        if (recipe.Curriculum is { } curriculum)
        {
            train.AddRange(SourcedRecord.FromSequence(
                Curriculum.Train(new(curriculum.General, curriculum.Reasoning, curriculum.ToolUse, curriculum.Seed)), "curriculum"));
            heldOut.AddRange(SourcedRecord.FromSequence(
                Curriculum.HeldOut(new(curriculum.HeldOut, curriculum.HeldOut, curriculum.HeldOut, curriculum.Seed)), "held-out curriculum"));
        }

        if (train.Count == 0)
        {
            throw new InputException("data: found no record to train on, expected at least one. Add files, or raise general, reasoning or tool_use of the curriculum.");
        }

        if (heldOut.Count == 0)
        {
            throw new InputException("data: found no held-out record to measure the model on, expected at least one. Raise held_out_share, or held_out of the curriculum.");
        }

        return new HeldOutSplit(train, heldOut);
    }

    /// <summary>Tokenizes and packs divided records.</summary>
    /// <param name="split">Training and held-out records.</param>
    /// <param name="tokenizer">Tokenizer of the model.</param>
    /// <param name="contextTokens">Tokens in a row.</param>
    /// <param name="training">Batch size and seed.</param>
    /// <exception cref="InputException">A record does not fit the context, or has no token to train on.</exception>
    public static PreparedData Create(HeldOutSplit split, ITextTokenizer tokenizer, int contextTokens, TrainingRecipe training)
    {
        var recordTokenizer = new RecordTokenizer(tokenizer, contextTokens);
        var train = new PackedDataset(
            recordTokenizer.Tokenize(split.Train),
            new PackingOptions(contextTokens, training.BatchTokens, training.Seed));
        var heldOut = new PackedDataset(
            recordTokenizer.Tokenize(split.HeldOut),
            new PackingOptions(contextTokens, EvaluationBatchTokens, Shuffle: false));
        return new PreparedData(train, heldOut, split.HeldOut);
    }
}
