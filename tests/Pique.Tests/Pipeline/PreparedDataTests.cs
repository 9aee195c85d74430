using System.Text;
using Pique.Configuration;
using Pique.Data;
using Pique.Pipeline;
using Pique.Tests.Data;

namespace Pique.Tests.Pipeline;

public sealed class PreparedDataTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Files_are_divided_and_the_curriculum_brings_its_own_division()
    {
        DataRecipe recipe = MicroData.Write(_temporary) with { Curriculum = new() { General = 3, Reasoning = 4, ToolUse = 5, HeldOut = 2, Seed = 9 } };

        HeldOutSplit files = PreparedData.Divide(recipe with { Curriculum = null });
        HeldOutSplit both = PreparedData.Divide(recipe);

        Assert.Equal(72, files.Train.Count + files.HeldOut.Count);
        Assert.InRange(files.HeldOut.Count, 9, 27);
        Assert.Empty(files.Train.Select(record => record.Record).Intersect(files.HeldOut.Select(record => record.Record)));
        Assert.Equal(files.Train.Count + 12, both.Train.Count);
        Assert.Equal(files.HeldOut.Count + 6, both.HeldOut.Count);
        Assert.Equal("held-out curriculum:6", both.HeldOut[^1].Origin);
    }

    [Fact]
    public void Files_are_read_in_order_under_the_domain_given()
    {
        File.WriteAllText(_temporary.File("a.txt"), "One.\n<|endoftext|>\nTwo.\n");
        File.WriteAllText(_temporary.File("b.txt"), "print(1)\n");
        DataRecipe recipe = new()
        {
            Files = [new() { Path = _temporary.File("a.txt") }, new() { Path = _temporary.File("b.txt"), Domain = DataDomain.Code }],
            HeldOutShare = 0,
            Curriculum = new() { HeldOut = 1, General = 1 },
        };

        IReadOnlyList<SourcedRecord> train = PreparedData.Divide(recipe).Train;

        Assert.Equal([DataDomain.General, DataDomain.General, DataDomain.Code, DataDomain.General], train.Select(record => record.Record.Domain));
    }

    [Fact]
    public void Nothing_held_out_is_refused()
    {
        DataRecipe files = MicroData.Write(_temporary) with { HeldOutShare = 0 };
        DataRecipe curriculum = new() { Curriculum = new() { General = 3 } };
        const string Message = "data: found no held-out record to measure the model on, expected at least one. Raise held_out_share, or held_out of the curriculum.";

        Assert.Equal(Message, Assert.Throws<InputException>(() => PreparedData.Divide(files)).Message);
        Assert.Equal(Message, Assert.Throws<InputException>(() => PreparedData.Divide(curriculum)).Message);
    }

    [Fact]
    public void Nothing_to_train_on_is_refused() => Assert.Equal(
        "data: found no record to train on, expected at least one. Add files, or raise general, reasoning or tool_use of the curriculum.",
        Assert.Throws<InputException>(() => PreparedData.Divide(new DataRecipe { Curriculum = new() { HeldOut = 3 } })).Message);

    [Fact]
    public void Held_out_bytes_are_those_of_the_text_whose_tokens_count()
    {
        SourcedRecord[] heldOut = [.. SourcedRecord.FromSequence(
        [
            new DataRecord.Text("Naïve."),
            new DataRecord.Reasoning("Prompts are not counted", ["1+1=2"], "2"),
            new DataRecord.ToolCall("Nor here", "{}"),
        ], "test")];
        SourcedRecord[] train = [.. SourcedRecord.FromSequence([new DataRecord.Text("Trained on.")], "train")];

        PreparedData data = PreparedData.Create(new HeldOutSplit(train, heldOut), new ByteTokenizer(), MicroData.ContextTokens, new TrainingRecipe { BatchTokens = 64 });

        Assert.Equal(Encoding.UTF8.GetByteCount("Naïve." + "1+1=2\n#### 2" + "{}"), data.HeldOutBytes);
        Assert.Equal(data.HeldOutBytes + 3, data.HeldOut.Statistics.TrainedTokens); // A byte is a token here, and each record has its end.
        Assert.Same(heldOut, data.HeldOutRecords);
        Assert.Equal(1, data.Train.Statistics.Records);
    }
}
