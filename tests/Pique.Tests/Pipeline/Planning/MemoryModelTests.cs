using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Pipeline;

namespace Pique.Tests.Pipeline.Planning;

public sealed class MemoryModelTests
{
    private static readonly LlamaConfig Student = new()
    {
        VocabularySize = 24,
        HiddenSize = 16,
        IntermediateSize = 28,
        LayerCount = 3,
        HeadCount = 4,
        KeyValueHeadCount = 2,
        HeadSize = 8,
        ContextTokens = 8,
        TieWordEmbeddings = true,
    };

    private static readonly LlamaConfig Teacher = Student with { LayerCount = 5, TieWordEmbeddings = false };

    [Fact]
    public void A_trained_weight_takes_sixteen_bytes_a_frozen_one_four()
    {
        Assert.Equal(16 * Count(Student), new MemoryModel { Student = Student }.HeldBytes);
        Assert.Equal((16 * Count(Student)) + (4 * Count(Teacher)), new MemoryModel { Student = Student, Teacher = Teacher }.HeldBytes);
        Assert.Equal((16 * Count(Student)) + (16 * Count(Teacher)), new MemoryModel { Student = Student, Teacher = Teacher, TeacherLearns = true }.HeldBytes);
    }

    [Fact]
    public void States_in_fewer_bits_take_fewer_bytes()
    {
        // A block of 256 codes has a scale of 4 bytes: 1 + 1/64 bytes for each of two moments.
        const double Coded = 2.03125;
        MemoryModel model = new() { Student = Student, Teacher = Teacher, States = OptimizerStates.Int8 };
        Assert.Equal(((8 + Coded) * Count(Student)) + (4 * Count(Teacher)), model.HeldBytes);
        Assert.Equal(((6 + Coded) * Count(Student)) + (4 * Count(Teacher)), (model with { Latent = LatentWeights.Bfloat16 }).HeldBytes);
        Assert.Equal(((6 + Coded) * Count(Student)) + ((8 + Coded) * Count(Teacher)), (model with { Latent = LatentWeights.Bfloat16, TeacherLearns = true }).HeldBytes);
        Assert.Equal(
            new MemoryModel { Student = Student, Quantizes = true, States = OptimizerStates.Int8, Latent = LatentWeights.Bfloat16 },
            MemoryModel.Of(
                new() { Qat = new QatConfig { UseDistillation = false }, Training = new() { OptimizerStates = OptimizerStates.Int8, LatentWeights = LatentWeights.Bfloat16 } },
                Student,
                Teacher));
    }

    [Fact]
    public void A_turned_model_has_a_head_of_its_own_and_stands_beside_the_one_it_was_made_of()
    {
        using LlamaModel original = new(Student);
        LlamaInitializer.Initialize(original, 1);
        using LlamaModel turned = IncoherenceRotation.Apply(original, 1);
        long turnedCount = turned.parameters().Sum(parameter => parameter.numel());

        Assert.Equal((16 * turnedCount) + (4 * Count(Student)), new MemoryModel { Student = Student, Rotates = true }.HeldBytes);
    }

    [Theory]
    [InlineData(FrozenStorage.Bfloat16, 2)]
    [InlineData(FrozenStorage.Int8, 1.0625)]
    public void Weights_that_are_turned_before_they_are_frozen_stand_in_float32_beside_what_becomes_of_them(FrozenStorage storage, double bytes)
    {
        long turnedStudent = Count(Student with { TieWordEmbeddings = false }), turnedTeacher = Count(Teacher);
        MemoryModel model = MemoryModel.Of(new() { Qat = new QatConfig { UseIncoherence = true }, Lora = new() { Base = storage } }, Student, Teacher);
        Assert.Null(model.Teacher);
        Assert.Equal(bytes * turnedStudent, model.HeldBytes, 1e-6);
        Assert.Equal((4 * Count(Student)) + (bytes * turnedStudent), model.LoadBytes, 1e-6);
        Assert.Equal(model.LoadBytes, model.LeastBytes);

        MemoryModel taught = model with { Teacher = Teacher };
        Assert.Equal(
            Math.Max((4 * (Count(Student) + Count(Teacher))) + (bytes * turnedTeacher), (4 * Count(Student)) + (bytes * (turnedTeacher + turnedStudent))),
            taught.LoadBytes,
            1e-6);

        // An embedding larger than all blocks: in float64 between two copies in float32.
        MemoryModel wide = model with { Student = Student with { VocabularySize = 100_000 } };
        Assert.Equal((4 * Count(wide.Student)) + (16.0 * 100_000 * Student.HiddenSize), wide.LoadBytes, 1e-6);

        Assert.Equal(0, (model with { Rotates = false }).LoadBytes);
        Assert.Equal(0, (model with { Frozen = null }).LoadBytes);
        Assert.Equal((model with { Frozen = null }).HeldBytes, (model with { Frozen = null }).LeastBytes);
    }

    [Fact]
    public void Block_by_block_gradients_and_moments_are_those_of_one_block()
    {
        long block = Count(Student with { LayerCount = Student.LayerCount + 1 }) - Count(Student);
        MemoryModel model = new() { Student = Student, Teacher = Teacher, TrainsBlockwise = true };

        Assert.Equal((4 * Count(Student)) + (12 * block) + (4 * Count(Teacher)), model.HeldBytes);
        Assert.Equal(0, model.GradientBytes);
        Assert.True(MemoryModel.Of(new Recipe { Training = new() { Mode = TrainingMode.Blockwise } }, Student, Teacher).TrainsBlockwise);
    }

    [Fact]
    public void A_recipe_without_distillation_has_no_teacher()
    {
        Recipe recipe = new() { Qat = new QatConfig { UseDistillation = false, UseIncoherence = true } };
        Assert.Equal(new MemoryModel { Student = Student, Rotates = true, Quantizes = true }, MemoryModel.Of(recipe, Student, Teacher));
        recipe = new() { Qat = new QatConfig { FreezeTeacher = false } };
        Assert.Equal(new MemoryModel { Student = Student, Teacher = Teacher, TeacherLearns = true, Quantizes = true }, MemoryModel.Of(recipe, Student, Teacher));
    }

    [Fact]
    public void A_shape_beyond_all_machines_is_counted_without_overflow()
    {
        LlamaConfig vast = Student with { VocabularySize = int.MaxValue, HiddenSize = int.MaxValue, LayerCount = int.MaxValue, IntermediateSize = int.MaxValue };
        Assert.InRange(new MemoryModel { Student = vast }.HeldBytes, 1e28, 1e32);
    }

    [Fact]
    public void Checkpointing_saves_most_of_what_blocks_keep()
    {
        MemoryModel model = new() { Student = Student with { LayerCount = 24 }, Quantizes = true };
        Assert.InRange(model.RowBytes(100, checkpointing: true) / model.RowBytes(100, checkpointing: false), 0.1, 0.5);
        Assert.InRange(model.CopyBytes(checkpointing: true) / model.CopyBytes(checkpointing: false), 0.02, 0.2);
    }

    private static long Count(LlamaConfig config)
    {
        using LlamaModel model = new(config);
        return model.parameters().Sum(parameter => parameter.numel());
    }
}
