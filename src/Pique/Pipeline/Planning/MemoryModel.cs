using Pique.Configuration;
using Pique.Models.Llama;

namespace Pique.Pipeline;

/// <summary>What memory training takes, computed from shapes alone: before anything is loaded, and to tell what another setting would take.</summary>
/// <remarks>
/// Held throughout is certain: four bytes a weight for itself, its gradient and each of its two moments, less where the recipe holds them in fewer, and four for every copy. What a forward pass
/// keeps for its backward pass is an estimate by counting the float32 values that each operation saves; a measurement corrects its size.
/// </remarks>
internal sealed record MemoryModel
{
    private const int FloatBytes = sizeof(float);

    /// <summary>Bytes of a weight in bfloat16.</summary>
    private const int HalfBytes = 2;

    /// <summary>Bytes of a weight's two moments as codes, each with its share of a block's scale.</summary>
    private const double CodedMomentBytes = 2 * (1 + (FloatBytes / 256.0));

    /// <summary>Values of the residual stream's width that a block saves for a token: both norms' inputs and outputs, both sums.</summary>
    private const int StreamValues = 8;

    /// <summary>The same of the queries' width: projection, rotation and its halves, what attention reads and gives.</summary>
    private const int QueryValues = 8;

    /// <summary>The same of the feed-forward width: gate, its silu, up, their product.</summary>
    private const int FeedForwardValues = 4;

    /// <summary>Blocks' worth of values in use while one block is computed again: its own, their gradients, and what the allocator keeps in pieces too small for the next.</summary>
    private const int RecomputedBlocks = 6;

    /// <summary>The same of the vocabulary's width outside the blocks: logits, their logarithms, gradients of both; a teacher's likewise but without gradients.</summary>
    private const int LogitValues = 4;
    private const int TeacherLogitValues = 2;

    /// <summary>Shape of the model.</summary>
    public required LlamaConfig Student { get; init; }

    /// <summary>Shape of the teacher; null for none.</summary>
    public LlamaConfig? Teacher { get; init; }

    /// <summary>Whether the teacher is trained too.</summary>
    public bool TeacherLearns { get; init; }

    /// <summary>Whether both are turned first; the models as loaded stay unless what is made of them is frozen, and the head is untied.</summary>
    public bool Rotates { get; init; }

    /// <summary>Whether weights are fake-quantized, which makes a second copy of them in a pass.</summary>
    public bool Quantizes { get; init; }

    /// <summary>How the optimizer's moments are held. Parameters too small for codes are counted as if they had them.</summary>
    public OptimizerStates States { get; init; }

    /// <summary>How the student's weights are held. Those without a quantizer are counted as if they had one.</summary>
    public LatentWeights Latent { get; init; }

    /// <summary>Whether blocks are trained one after another, so that gradients and moments exist for one of them at a time.</summary>
    public bool TrainsBlockwise { get; init; }

    /// <summary>How matrices are held where adapters are trained in their place; null where they are trained themselves.</summary>
    public FrozenStorage? Frozen { get; init; }

    /// <summary>Bytes held throughout: a lower bound of what training takes. Adapters are left out, which are small beside what they adapt.</summary>
    public double HeldBytes
    {
        get
        {
            if (Frozen is { } storage)
            {
                return FrozenBytes(storage) * (Weights(Student, Rotates) + (Teacher is null ? 0 : Weights(Teacher, Rotates)));
            }

            double learning = FloatBytes + (States == OptimizerStates.Int8 ? CodedMomentBytes : 2 * FloatBytes);
            double student = ((Latent == LatentWeights.Bfloat16 ? HalfBytes : FloatBytes) * Weights(Student, Rotates)) + (learning * (TrainsBlockwise ? WeightsPerBlock(Student) : Weights(Student, Rotates)));
            double teacher = Teacher is null ? 0 : (FloatBytes + (TeacherLearns ? learning : 0)) * Weights(Teacher, Rotates);
            double copies = Rotates ? Weights(Student, false) + (Teacher is null ? 0 : Weights(Teacher, false)) : 0;
            return student + teacher + (FloatBytes * copies);
        }
    }

    /// <summary>Bytes held at once before anything is trained, where frozen weights are made by turning what is read in float32: the teacher is turned first and its source freed, then the student. Zero elsewhere, where nothing is held for loading alone. A lower bound.</summary>
    public double LoadBytes
    {
        get
        {
            if (Frozen is not { } storage || !Rotates)
            {
                return 0;
            }

            double read = FloatBytes * Weights(Student, false);
            double turned = Turned(Student);
            if (Teacher is null)
            {
                return read + turned;
            }

            return Math.Max(read + (FloatBytes * Weights(Teacher, false)) + Turned(Teacher), (FrozenBytes(storage) * Weights(Teacher, true)) + read + turned);

            // Embedding and head are turned first, each in float64 between two copies in float32.
            double Turned(LlamaConfig config) => Math.Max(FrozenBytes(storage) * Weights(config, true), (sizeof(double) + (2 * FloatBytes)) * (double)config.VocabularySize * config.HiddenSize);
        }
    }

    /// <summary>Bytes without which a run cannot even begin: those of loading or those of training, whichever are more.</summary>
    public double LeastBytes => Math.Max(HeldBytes, LoadBytes);

    /// <summary>The model of a recipe.</summary>
    /// <param name="recipe">A valid recipe.</param>
    /// <param name="student">Shape of its model.</param>
    /// <param name="teacher">Shape of its teacher, whether it is used or not.</param>
    public static MemoryModel Of(Recipe recipe, LlamaConfig student, LlamaConfig? teacher) => new()
    {
        Student = student,
        Teacher = recipe.Qat.UseDistillation && !QatPipeline.SharesBase(recipe) ? teacher : null,
        TeacherLearns = !recipe.Qat.FreezeTeacher,
        Rotates = recipe.Qat.UseIncoherence,
        Quantizes = true,
        States = recipe.Training.OptimizerStates,
        Latent = recipe.Training.LatentWeights,
        TrainsBlockwise = recipe.Training.Mode == TrainingMode.Blockwise,
        Frozen = recipe.Lora?.Base,
    };

    /// <summary>The same training with its states in fewer bytes, what changes it least first.</summary>
    public IEnumerable<(MemoryModel Model, string Cost)> WithSmallerStates()
    {
        if (Frozen is not null)
        {
            yield break;
        }

        MemoryModel coded = this with { States = OptimizerStates.Int8 };
        if (States != OptimizerStates.Int8)
        {
            yield return (coded, "rounds the optimizer's moments");
        }

        if (Quantizes && !TrainsBlockwise && Latent != LatentWeights.Bfloat16)
        {
            yield return (coded with { Latent = LatentWeights.Bfloat16 }, States == OptimizerStates.Int8 ? "rounds the latent weights" : "rounds moments and latent weights");
        }
    }

    /// <summary>The fields of a recipe that turn another model's states into these; none where they are held alike.</summary>
    /// <param name="other">The other model.</param>
    public IEnumerable<string> StateChanges(MemoryModel other)
    {
        if (States != other.States)
        {
            yield return "training.optimizer_states to \"int8\"";
        }

        if (Latent != other.Latent)
        {
            yield return "training.latent_weights to \"bfloat16\"";
        }
    }

    /// <summary>Bytes of the gradients alone, which appear with the first backward pass.</summary>
    public double GradientBytes => Frozen is not null || TrainsBlockwise ? 0 : FloatBytes * (Weights(Student, Rotates) + (TeacherLearns && Teacher is not null ? Weights(Teacher, Rotates) : 0));

    /// <summary>Bytes of the fake-quantized weights that a pass keeps for its backward pass, estimated.</summary>
    /// <param name="checkpointing">Whether blocks are computed again, so that only one block's are there at a time.</param>
    public double CopyBytes(bool checkpointing) => !Quantizes || Frozen is not null
        ? 0
        : FloatBytes * ((WeightsPerBlock(Student) * (checkpointing ? 1 : Student.LayerCount)) + ((double)Student.VocabularySize * Student.HiddenSize));

    /// <summary>Bytes that a pass keeps for each row, estimated.</summary>
    /// <param name="contextTokens">Tokens in a row.</param>
    /// <param name="checkpointing">Whether blocks are computed again.</param>
    public double RowBytes(long contextTokens, bool checkpointing)
    {
        double queryWidth = (double)Student.HeadCount * Student.HeadSize;
        double block = (StreamValues * (double)Student.HiddenSize) + (QueryValues * queryWidth) + (FeedForwardValues * (double)Student.IntermediateSize);
        double blocks = checkpointing ? (Math.Min(RecomputedBlocks, Student.LayerCount) * block) + ((double)Student.LayerCount * Student.HiddenSize) : Student.LayerCount * block;
        double logits = Student.VocabularySize * (double)(LogitValues + (Teacher is null ? 0 : TeacherLogitValues));
        return FloatBytes * contextTokens * (blocks + logits);
    }

    private static double FrozenBytes(FrozenStorage storage) => storage switch
    {
        FrozenStorage.Bfloat16 => 2,
        FrozenStorage.Int8 => 1 + (2 / 32.0), // A code, and a float16 scale for each block of 32.
        _ => throw new ArgumentOutOfRangeException(nameof(storage), storage, "Unknown storage."),
    };

    private static double Weights(LlamaConfig config, bool untied)
    {
        double matrices = config.TieWordEmbeddings && !untied ? 1 : 2;
        return (matrices * config.VocabularySize * config.HiddenSize) + (config.LayerCount * WeightsPerBlock(config)) + config.HiddenSize;
    }

    private static double WeightsPerBlock(LlamaConfig config)
    {
        double attention = 2.0 * config.HiddenSize * config.HeadSize * (config.HeadCount + config.KeyValueHeadCount);
        return attention + (3.0 * config.HiddenSize * config.IntermediateSize) + (2.0 * config.HiddenSize);
    }
}
