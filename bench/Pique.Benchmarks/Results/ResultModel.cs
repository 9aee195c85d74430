using Pique.Configuration;

namespace Pique.Benchmarks.Results;

/// <summary>A model and the data it is calibrated, trained and measured on.</summary>
/// <param name="Path">Folder of the model.</param>
/// <param name="Text">Text to divide into training and held-out records; null for the synthetic curriculum.</param>
internal sealed record ResultModel(string Path, string? Text)
{
    public const float AdapterLearningRate = 1e-3f;

    private const int TextContextTokens = 256;
    private const int CurriculumContextTokens = 192;
    private const int RowsOfBatch = 8;
    private const int HeldOutProblems = 120;

    public string Name => System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(Path));

    /// <summary>The recipe that every method departs from: the settings of "pique demo" for the curriculum, those of "pique train" for a text.</summary>
    /// <param name="bits">2 or 3.</param>
    public Recipe Recipe(int bits)
    {
        QatConfig qat = (bits == 2 ? QatConfig.PiQ2 : QatConfig.PiQ3) with { UseIncoherence = false };
        return Text is null
            ? new Recipe
            {
                Qat = qat with { Epochs = 1, WarmupEpochs = 0 },
                Model = Path,
                Data = new() { Curriculum = new() { General = 1000, Reasoning = 3000, ToolUse = 4000, Seed = 20, HeldOut = HeldOutProblems }, ContextTokens = CurriculumContextTokens },
                Training = new() { BatchTokens = RowsOfBatch * CurriculumContextTokens, WeightLearningRate = bits == 2 ? 1e-3f : 2e-4f, ScheduleWarmupSteps = 10 },
            }
            : new Recipe
            {
                Qat = qat,
                Model = Path,
                Data = new() { Files = [new() { Path = Text }], ContextTokens = TextContextTokens },
                Training = new() { BatchTokens = RowsOfBatch * TextContextTokens, WeightLearningRate = 1e-3f },
            };
    }
}
